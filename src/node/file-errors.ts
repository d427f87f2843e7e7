/** The system's errors about files, in words and with what to do. */
import type { InputError } from '../base/result.ts';

const READING: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  ENOENT: ['there is no such file', 'check the name'],
  ENOTDIR: ['a part of the path is not a directory', 'check the name'],
  EISDIR: ['this is a directory, not a file', 'name the trace files in it'],
  EACCES: ['no permission to read it', 'check its owner and mode; traces below /sys/kernel/tracing need root'],
  EPERM: ['reading it is not permitted', 'check its owner and mode'],
  ELOOP: ['symbolic links go round in a circle', 'check where the link points'],
  ENAMETOOLONG: ['the name is too long', 'check the name'],
  EMFILE: ['too many files are open', 'raise the limit: ulimit -n'],
  EIO: ['the device could not be read', 'copy the file again'],
  ENXIO: ['this is a socket or a device without a driver', 'name a file or a pipe'],
};

const WRITING: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  ENOENT: ['its directory does not exist', 'create the directory first'],
  ENOTDIR: ['a part of the path is not a directory', 'choose another place'],
  EISDIR: ['this is a directory', 'name a file'],
  EEXIST: ['there is a file of that name where a directory is needed', 'choose another place'],
  EACCES: ['no permission to write here', 'choose another place'],
  EPERM: ['writing here is not permitted', 'choose another place'],
  EROFS: ['the file system is read-only', 'choose another place'],
  ENOSPC: ['no space is left on the device', 'make room or choose another place'],
  EDQUOT: ['the disk quota is used up', 'make room or choose another place'],
  ENAMETOOLONG: ['the name is too long', 'choose a shorter name'],
  EFBIG: ['the file would be larger than allowed', 'raise the limit or choose another place'],
};

export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

export function readError(error: unknown, place: string): InputError {
  return describe(error, place, READING, 'cannot be read');
}

export function writeError(error: unknown, place: string): InputError {
  return describe(error, place, WRITING, 'cannot be written');
}

function describe(error: unknown, place: string, known: typeof READING, otherwise: string): InputError {
  const code = errorCode(error);
  const [message, hint] = (code === undefined ? undefined : known[code]) ?? [];
  if (code !== undefined && message !== undefined && hint !== undefined) {
    return { code: code.toLowerCase(), message, place, hint };
  }
  const reason = code ?? (error instanceof Error ? error.message : String(error));
  return { code: 'file-error', message: `${otherwise}: ${reason}`, place };
}

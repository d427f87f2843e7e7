/** Writing reports. What tablewalk has not made itself is never overwritten. */
import { type FileHandle, mkdir, open, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { err, type InputError, ok, type Result } from '../base/result.ts';
import { errorCode, writeError } from './file-errors.ts';

/** How a file of ours begins: the HTML report's head, the JSON document of a command, a counterexample or a checkpoint. */
const OURS = [
  /^<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security/,
  /^\{"schema":1,"command":"/,
  /^\{"schema":1,"kind":"(counterexample|checkpoint)"/,
];

/** Whether `path` could be written: asked before the work, so that it is not done in vain. */
export async function checkWritable(path: string): Promise<InputError | null> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r+');
    const head = Buffer.alloc(128);
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    const text = head.toString('latin1', 0, bytesRead);
    if (bytesRead === 0 || OURS.some((own) => own.test(text))) return null;
    return {
      code: 'not-ours',
      message: 'this file exists and is not a report of tablewalk',
      place: path,
      hint: 'choose another name',
    };
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? checkFolderOf(path) : writeError(error, path);
  } finally {
    await handle?.close();
  }
}

async function checkFolderOf(path: string): Promise<InputError | null> {
  try {
    const folder = await stat(dirname(resolve(path)));
    return folder.isDirectory() ? null : writeError(Object.assign(new Error(), { code: 'ENOTDIR' }), path);
  } catch (error) {
    return writeError(error, path);
  }
}

export async function writeOutput(path: string, text: string): Promise<Result<void>> {
  try {
    await writeFile(path, text);
    return ok(undefined);
  } catch (error) {
    return err(writeError(error, path));
  }
}

/** Creates `folder` and says what of `names` in it could not be written. */
export async function prepareFolder(folder: string, names: readonly string[]): Promise<InputError | null> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    return writeError(error, folder);
  }
  for (const name of names) {
    const problem = await checkWritable(join(folder, name));
    if (problem !== null) return problem;
  }
  return null;
}

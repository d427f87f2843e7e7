/**
 * Input in chunks: a file, a named pipe or standard input (`-`), plain or gzip by content. Memory is flat: one chunk is
 * under way, and the next is read when the sink is done with it. What is no plain text is refused by who parses it.
 */
import { createReadStream, fstatSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { err, type InputError, ok, type Result } from '../base/result.ts';
import { errorCode, readError } from './file-errors.ts';

/** Takes a chunk, which stays as it is until the call returns. An error ends the reading. */
export type Sink = (chunk: Uint8Array) => Result<void>;

export interface ReadOptions {
  /** Ends the reading early; what came before counts. */
  readonly signal?: AbortSignal;
  /** Bytes read so far, before unpacking, and the size of the file where it has one. */
  readonly progress?: (bytes: number, total: number | null) => void;
}

export type ReadEnd = 'whole' | 'interrupted';

export const STANDARD_INPUT = '-';
const CHUNK_BYTES = 256 * 1024;

/** How the input is called in messages. */
export function inputName(path: string): string {
  return path === STANDARD_INPUT ? 'standard input' : path;
}

export async function readInput(path: string, sink: Sink, options: ReadOptions = {}): Promise<Result<ReadEnd>> {
  const { signal } = options;
  if (signal?.aborted === true) return ok('interrupted');
  const source = await openSource(path);
  if (!source.ok) return source;
  const { stream, total } = source.value;
  const raw = counted(stream, (bytes) => options.progress?.(bytes, total));
  const reading = feed(raw, path, sink, signal);
  try {
    return await (signal === undefined ? reading : Promise.race([reading, interrupted(signal)]));
  } finally {
    stream.destroy();
  }
}

/** Does not wait for the reader: a pipe that nobody writes to holds it for ever. */
function interrupted(signal: AbortSignal): Promise<Result<ReadEnd>> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(ok('interrupted')), { once: true });
  });
}

interface Source {
  readonly stream: Readable;
  readonly total: number | null;
}

async function openSource(path: string): Promise<Result<Source>> {
  if (path === STANDARD_INPUT) return openStandardInput();
  if (path.includes('\0'))
    return err({ code: 'bad-name', message: 'a file name cannot hold a zero byte', place: path });
  try {
    const found = await stat(path);
    if (found.isDirectory()) return err(readError(Object.assign(new Error(), { code: 'EISDIR' }), path));
    if (found.isSocket()) return err(readError(Object.assign(new Error(), { code: 'ENXIO' }), path));
    const stream = createReadStream(path, { highWaterMark: CHUNK_BYTES });
    return ok({ stream, total: found.isFile() && found.size > 0 ? found.size : null });
  } catch (error) {
    return err(readError(error, path));
  }
}

function openStandardInput(): Result<Source> {
  const place = inputName(STANDARD_INPUT);
  if (process.stdin.isTTY) {
    return err({
      code: 'terminal',
      message: 'this is a terminal',
      place,
      hint: 'pipe a trace into it, or name a file',
    });
  }
  if (fstatSync(0).isDirectory()) return err(readError(Object.assign(new Error(), { code: 'EISDIR' }), place));
  return ok({ stream: process.stdin, total: null });
}

async function* counted(stream: Readable, progress: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    progress(bytes);
    yield chunk;
  }
}

async function feed(
  raw: AsyncGenerator<Uint8Array>,
  path: string,
  sink: Sink,
  signal: AbortSignal | undefined,
): Promise<Result<ReadEnd>> {
  const unpacked = { bytes: 0, packed: false };
  try {
    const head = await firstBytes(raw);
    unpacked.packed = head[0] === 0x1f && head[1] === 0x8b;
    const plain = joined(head, raw);
    for await (const chunk of unpacked.packed ? gunzipped(plain) : plain) {
      // Whoever interrupted has drawn the line already.
      if (signal?.aborted === true) return ok('interrupted');
      unpacked.bytes += chunk.length;
      const taken = sink(chunk);
      if (!taken.ok) return taken;
    }
    return ok('whole');
  } catch (error) {
    if (signal?.aborted === true) return ok('interrupted');
    return err(gzipError(error, path, unpacked.bytes) ?? readError(error, inputName(path)));
  }
}

/** At least two bytes, unless the input ends before. */
async function firstBytes(raw: AsyncGenerator<Uint8Array>): Promise<Uint8Array> {
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < 2) {
    const next = await raw.next();
    if (next.done === true) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  return head;
}

async function* joined(head: Uint8Array, rest: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head;
  yield* rest;
}

function gunzipped(packed: AsyncGenerator<Uint8Array>): AsyncIterable<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  // The reader of `gunzip` gets the error too: nothing is left to do here.
  pipeline(Readable.from(packed), gunzip, () => {});
  return gunzip;
}

function gzipError(error: unknown, path: string, bytes: number): InputError | null {
  const place = `${inputName(path)}: byte ${bytes} after unpacking`;
  switch (errorCode(error)) {
    case 'Z_BUF_ERROR':
      return {
        code: 'gzip-truncated',
        message: 'the gzip data ends too early',
        place,
        hint: `copy the file again, or read what is there: gzip -dc FILE | tablewalk replay -`,
      };
    case 'Z_DATA_ERROR':
    case 'Z_NEED_DICT':
      return { code: 'gzip-damaged', message: 'the gzip data is damaged', place, hint: 'copy the file again' };
    default:
      return null;
  }
}

/** What a file is by its first bytes, when it is not text: refused with the command that makes text of it. */

import type { InputError } from '../base/result.ts';
import { ascii, startsWith } from './bytes.ts';

interface Magic {
  readonly bytes: Uint8Array;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

const compressed = (name: string, command: string, bytes: readonly number[]): Magic => ({
  bytes: Uint8Array.from(bytes),
  code: 'compressed',
  message: `the input is ${name}-compressed`,
  hint: `${command} FILE | tablewalk replay -`,
});
const perfData = (magic: string): Magic => ({
  bytes: ascii(magic),
  code: 'perf-data',
  message: 'the input is a perf.data file, not its text',
  hint: 'perf script -i FILE | tablewalk replay -',
});
const utf16 = (bytes: readonly number[]): Magic => ({
  bytes: Uint8Array.from(bytes),
  code: 'utf-16',
  message: 'the input is UTF-16 text, and a kernel trace is ASCII or UTF-8',
  hint: 'iconv -f UTF-16 -t UTF-8 FILE | tablewalk replay -',
});

const MAGICS: readonly Magic[] = [
  {
    bytes: Uint8Array.from([0x17, 0x08, 0x44, ...ascii('tracing')]),
    code: 'trace-dat',
    message: 'the input is a trace.dat file, not its text',
    hint: 'run trace-cmd report FILE | tablewalk replay -',
  },
  perfData('PERFILE2'),
  perfData('2ELIFREP'),
  compressed('xz', 'xz -dc', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]),
  compressed('gzip', 'gzip -dc', [0x1f, 0x8b]),
  compressed('zstd', 'zstd -dc', [0x28, 0xb5, 0x2f, 0xfd]),
  compressed('bzip2', 'bzip2 -dc', [0x42, 0x5a, 0x68]),
  utf16([0xff, 0xfe]),
  utf16([0xfe, 0xff]),
];

/** Bytes to look at before anything else. */
export const HEAD_BYTES = 16;
export const UTF8_BOM = Uint8Array.from([0xef, 0xbb, 0xbf]);

export function refusalByMagic(head: Uint8Array): InputError | null {
  const found = MAGICS.find((magic) => startsWith(head, 0, head.length, magic.bytes));
  return found === undefined ? null : { code: found.code, message: found.message, place: 'byte 0', hint: found.hint };
}

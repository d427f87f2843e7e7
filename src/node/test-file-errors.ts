/** What goes wrong in a user's module, said with the user's own file and line. */
import { realpathSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvariantError } from '../base/assert.ts';
import type { InputError } from '../base/result.ts';
import { UnannouncedLocked } from '../base/world.ts';
import { TestMistake } from '../check/index.ts';
import { errorCode } from './file-errors.ts';

/** Loading was given up. */
export class LoadStopped extends Error {
  override readonly name = 'LoadStopped';
  readonly why: 'late' | 'interrupted';

  constructor(why: 'late' | 'interrupted') {
    super(why);
    this.why = why;
  }
}

/** `path`: as the user named the file that was being loaded. */
export function loadError(error: unknown, path: string): InputError {
  if (error instanceof LoadStopped) return stopped(error, path);
  return syntaxError(error, path) ?? missingModule(error, path) ?? thrown(error, path);
}

function stopped({ why }: LoadStopped, place: string): InputError {
  if (why === 'interrupted') return { code: 'interrupted', place, message: 'interrupted while it was being loaded' };
  const hint = 'does it await something at its top level?';
  return { code: 'load-timeout', place, message: 'it was not loaded within ten seconds', hint };
}

/** As the compiler words it: "ParseError: Unexpected token \n /path/file.ts:2:18". */
const PARSE_ERROR = /^ParseError: ([\s\S]*?)\.?\s*\n\s*(.+):(\d+):\d+\s*$/;

function syntaxError(error: unknown, path: string): InputError | null {
  const match = error instanceof Error ? PARSE_ERROR.exec(error.message) : null;
  if (match === null) return null;
  const [, what, file, line] = match;
  return { code: 'syntax-error', place: `${shownPath(file!, path)}:${line}`, message: `syntax error: ${what}` };
}

function missingModule(error: unknown, path: string): InputError | null {
  const code = errorCode(error);
  if (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_MODULE_NOT_FOUND') return null;
  const { message, requireStack } = error as Error & { readonly requireStack?: readonly string[] };
  const what = /'([^']*)'/.exec(message)?.[1] ?? 'a module';
  const place = requireStack?.[0] === undefined ? path : shownPath(requireStack[0], path);
  const hint = what.startsWith('tablewalk')
    ? 'tablewalk/check is the checker; docs/checker.md names what else there is'
    : 'check the import';
  return { code: 'module-not-found', place, message: `it imports '${what}', which is not there`, hint };
}

function thrown(error: unknown, path: string): InputError {
  const message = describeThrown(error);
  const place = placeInUserCode(error, path) ?? path;
  if (error instanceof TestMistake) return { code: 'test-mistake', place, message };
  return { code: 'load-error', place, message, hint: 'thrown while the file was being loaded' };
}

/** `TypeError: …` in the words of the source, not of what the compiler made of it. */
export function describeThrown(error: unknown): string {
  if (!isErrorLike(error)) return `${String(error)} was thrown`;
  const message = error.message.replace(/\(0 ?, ?_\w+\.(\w+)\)/g, '$1');
  return SELF_EXPLAINING.some((kind) => error instanceof kind) ? message : `${error.name}: ${message}`;
}

/** Errors of ours: their messages say what to do. */
const SELF_EXPLAINING = [TestMistake, UnannouncedLocked, InvariantError];

function isErrorLike(error: unknown): error is Error {
  return typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string';
}

/** `file:line` of the innermost frame of the stack that is in nobody's package, or null. `path`: as the user calls its file. */
export function placeInUserCode(error: unknown, path: string): string | null {
  if (!isErrorLike(error)) return null;
  for (const line of (error.stack ?? '').split('\n')) {
    const match = FRAME.exec(line);
    if (match !== null && isUserFile(match[1]!)) return `${shownPath(match[1]!, path)}:${match[2]}`;
  }
  return null;
}

/** `at name (/path/file.ts:3:4)`, `at /path/file.ts:3:4`, and where a stack begins with the place of a syntax error. */
const FRAME = /(?:^|\(|\bat (?:async )?)((?:file:\/\/)?\/[^()]*?):(\d+)(?::\d+)?\)?$/;

/** Our own code, compiled or not. */
const OWN = fileURLToPath(new URL('..', import.meta.url));

function isUserFile(file: string): boolean {
  const path = file.startsWith('file://') ? fileURLToPath(file) : file;
  return !path.startsWith(OWN) && !path.includes(`${sep}node_modules${sep}`);
}

/** The name that the user gave, if it is that file; else from here, if it is below; else in full. */
function shownPath(file: string, path: string): string {
  const full = file.startsWith('file://') ? fileURLToPath(file) : file;
  if (full === resolve(path) || full === realPath(path)) return path;
  const fromHere = relative(process.cwd(), full);
  return fromHere.startsWith('..') ? full : fromHere;
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** A test file that calls process.exit would end a check without a word, as if all were well. */
import { syncBuiltinESMExports } from 'node:module';
import type { InputError } from '../base/result.ts';
import { placeInUserCode } from './test-file-errors.ts';

/** From now on process.exit tells who called it; `leave` still ends. `path`: the file to name where the stack does not tell. */
export function watchExit(path: string, tell: (error: InputError) => never): void {
  process.exit = () => tell(exitError(path));
  syncBuiltinESMExports();
}

const DEEPEST_STACK = 100;

function exitError(path: string): InputError {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = DEEPEST_STACK;
  const place = placeInUserCode(new Error(), path) ?? path;
  Error.stackTraceLimit = stackTraceLimit;
  const hint = 'a thread ends by returning and asserts by throwing; nothing else needs to end the program';
  return { code: 'process-exit', place, message: 'process.exit() is called, which would end the whole check', hint };
}

/** How the program ends: exit codes, and the one line that says why. */
import { setMaxListeners } from 'node:events';
import { formatInputError, type InputError, printable } from '../base/result.ts';
import { leave } from '../node/leave.ts';

export const EXIT = { ok: 0, unexpected: 1, usage: 2, bug: 3, interrupted: 130 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Bad usage or bad input: exit 2. */
export class BadInput extends Error {
  override readonly name = 'BadInput';
  readonly error: InputError;

  constructor(error: InputError) {
    super(formatInputError(error));
    this.error = error;
  }
}

/** One line on stderr, whatever is in `text`. */
export function complain(text: string): void {
  process.stderr.write(`tablewalk: ${printable(text, 1000)}\n`);
}

/** What an unexpected exception looks like: one line, and the stack for who asks for it. */
export function complainOfBug(error: unknown): void {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const debug = debugWanted();
  const hint = debug ? 'please report it with the stack below' : 'please report it, with what --debug adds';
  complain(`a bug in tablewalk: ${name}: ${message} (${hint})`);
  if (debug) process.stderr.write(`${stack ?? ''}\n`);
}

export function debugWanted(): boolean {
  return process.argv.includes('--debug');
}

/**
 * A reader that goes away (`| head`) ends the program quietly; a full disk does not. Context: once, before anything is
 * written.
 */
export function watchStreams(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') leave(Number(process.exitCode ?? EXIT.ok));
    complain(`standard output: cannot be written: ${error.code ?? error.message} (is the disk full?)`);
    leave(EXIT.usage);
  });
  process.stderr.on('error', () => {});
}

const SAME_MS = 300;

/** The first SIGINT asks for an end, with what is known so far; the second ends at once. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  // One listener a file, and files may be many.
  setMaxListeners(0, controller.signal);
  let first = 0;
  process.on('SIGINT', () => {
    // One Ctrl-C may come twice: to the group, and passed on by npx or timeout.
    if (controller.signal.aborted && performance.now() - first > SAME_MS) endBySignal();
    if (!controller.signal.aborted) first = performance.now();
    controller.abort();
  });
  return controller.signal;
}

/**
 * Ends as SIGINT ends programs, which shells report as 130. A plain exit would wait for a thread of ours that still reads
 * from a silent pipe.
 */
function endBySignal(): void {
  process.removeAllListeners('SIGINT');
  process.kill(process.pid, 'SIGINT');
}

/** After an interrupt: all is said. Ends by itself, or, when a reader is stuck, a moment later. */
export function leaveAfterInterrupt(): void {
  setTimeout(endBySignal, 250).unref();
}

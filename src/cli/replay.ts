/** `tablewalk replay FILE…`: kernel traces through every table-reclaim design, one file after the other, in chunks. */
import type { Command } from 'commander';
import { err, formatInputError, type InputError, ok, type Result } from '../base/result.ts';
import { createReplay, type ReplayFile, type ReplayResult, totalEvents } from '../lab/index.ts';
import { replayPage } from '../lab/report/replay-page.ts';
import { renderTerminal } from '../lab/report/terminal.ts';
import { inputName, readInput, STANDARD_INPUT } from '../node/input.ts';
import { checkWritable } from '../node/output.ts';
import { BadInput, complain, EXIT, type ExitCode, interruption } from './exit.ts';
import { footer, writeHtml } from './html-report.ts';
import { checkInputs, readingText } from './inputs.ts';
import { createProgress, type Progress } from './progress.ts';
import { print, printJson, screen } from './screen.ts';

interface ReplayOptions {
  readonly html?: string;
  readonly json?: boolean;
  readonly color: boolean;
}

const HELP = `
FILE is ftrace text (/sys/kernel/tracing/trace), what "trace-cmd report" or "perf script" prints, or either one packed with
gzip; - is standard input. Memory stays flat whatever the size. When one of several files cannot be read, the others are
reported all the same.

Example:
  trace-cmd record -e iommu sleep 10 && trace-cmd report > trace.txt
  tablewalk replay trace.txt --html trace.html

Exit codes:
  0 the input was read, whatever it says   2 bad usage, or an input that could not be read: one line says why
  3 a bug in tablewalk   130 interrupted: what was read so far is reported`;

export function defineReplay(command: Command, done: (code: ExitCode) => void): void {
  command
    .argument('<FILE...>', 'traces, or - for standard input')
    .option('--html <FILE>', 'write a self-contained page with charts')
    .addHelpText('after', HELP)
    .action(async (paths: readonly string[], options: ReplayOptions) => done(await runReplay(paths, options)));
}

async function runReplay(paths: readonly string[], options: ReplayOptions): Promise<ExitCode> {
  checkInputs(paths);
  const problem = options.html === undefined ? null : await checkWritable(options.html);
  if (problem !== null) throw new BadInput({ ...problem, place: `--html ${problem.place ?? ''}` });
  const signal = interruption();
  const { files, errors } = await replayFiles(paths, inputName, signal);
  for (const error of errors) complain(formatInputError(error));
  for (const file of files) for (const warning of file.warnings) complain(`${file.file}: ${warning}`);
  // Nothing could be read: no document, as for any other bad usage.
  if (files.length > 0) await report(replayResult(files), options);
  if (signal.aborted) return EXIT.interrupted;
  return errors.length > 0 ? EXIT.usage : EXIT.ok;
}

/** What could be read, and why the rest could not. `nameOf`: what a file is called in the result. */
export async function replayFiles(
  paths: readonly string[],
  nameOf: (path: string) => string,
  signal: AbortSignal,
): Promise<{ readonly files: readonly ReplayFile[]; readonly errors: readonly InputError[] }> {
  const files: ReplayFile[] = [];
  const errors: InputError[] = [];
  const progress = createProgress();
  for (const path of paths) {
    if (signal.aborted) break;
    const replayed = await replayFile(path, nameOf(path), signal, progress);
    if (replayed.ok) files.push(replayed.value);
    else errors.push(replayed.error);
  }
  progress.clear();
  return { files, errors };
}

async function replayFile(
  path: string,
  name: string,
  signal: AbortSignal,
  progress: Progress,
): Promise<Result<ReplayFile>> {
  const replay = createReplay(name);
  const read = await readInput(path, (chunk) => replay.push(chunk), {
    signal,
    progress: (bytes, total) => progress.show(readingText(name, bytes, total)),
  });
  if (!read.ok) return err(inFile(read.error, path, name));
  const file = replay.end();
  if (!file.ok && read.value === 'interrupted') {
    return err({ code: 'interrupted', place: name, message: 'interrupted before a trace was recognised' });
  }
  if (!file.ok) return err(inFile(file.error, path, name));
  if (read.value === 'whole') return file;
  return ok({ ...file.value, warnings: [...file.value.warnings, 'interrupted: the rest of the file was not read'] });
}

/** The parser knows neither the file's name nor that hints are better with it. */
function inFile(error: InputError, path: string, name: string): InputError {
  const place =
    error.place === undefined || error.place.startsWith(name) ? (error.place ?? name) : `${name}: ${error.place}`;
  const { hint, ...rest } = error;
  if (hint === undefined || path === STANDARD_INPUT) return { ...error, place };
  return { ...rest, place, hint: hint.replace(/\bFILE(?= \|)/, () => shellWord(path)) };
}

function shellWord(path: string): string {
  return /^[\w./+:@%=-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

export function replayResult(files: readonly ReplayFile[]): ReplayResult {
  return { schema: 1, command: 'replay', files, events: totalEvents(files) };
}

async function report(result: ReplayResult, options: ReplayOptions): Promise<void> {
  const page = replayPage(result, { footer: footer() });
  if (options.html !== undefined) await writeHtml(options.html, page);
  if (options.json === true) printJson(result);
  else if (options.html !== undefined) print(`wrote ${options.html}\n`);
  else print(renderTerminal(page, screen(options.color)));
}

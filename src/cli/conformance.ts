/** `tablewalk conformance FILE.jsonl…`: the VT-d model against recorded answers of another implementation. */
import type { Command } from 'commander';
import { err, formatInputError, type InputError, printable, type Result } from '../base/result.ts';
import { type ConformanceFile, createConformance, DEVIATION_TABLE } from '../lab/index.ts';
import { inputName, readInput } from '../node/input.ts';
import { complain, EXIT, type ExitCode, interruption } from './exit.ts';
import { checkInputs, readingText } from './inputs.ts';
import { createProgress, type Progress } from './progress.ts';
import { print, printJson } from './screen.ts';

interface ConformanceOptions {
  readonly json?: boolean;
  readonly verbose?: boolean;
}

const HELP = `
FILE is a golden file: what an emulated VT-d unit answered to accesses and invalidations, as JSON lines, plain or packed with gzip.
Each case is run on our model. An answer agrees when the model gives the same one; else the fewest known deviations that explain it
exactly are named, with the rule and who keeps it, or it is printed as unnamed. docs/conformance.md has the deviations, the format,
and how to record more.

Example:
  tablewalk conformance fixtures/golden/*.jsonl.gz

Exit codes:
  0 every difference has a name   1 one has none, or is a deviation in which QEMU is right
  2 bad usage, or an input that could not be read   3 a bug in tablewalk   130 interrupted`;

export function defineConformance(command: Command, done: (code: ExitCode) => void): void {
  command
    .argument('<FILE...>', 'golden files, or - for standard input')
    .option('-v, --verbose', 'add counts by recorded outcome and kind of case')
    .addHelpText('after', HELP)
    .action(async (paths: readonly string[], options: ConformanceOptions) =>
      done(await runConformance(paths, options)),
    );
}

async function runConformance(paths: readonly string[], options: ConformanceOptions): Promise<ExitCode> {
  checkInputs(paths);
  const signal = interruption();
  const progress = createProgress();
  const files: ConformanceFile[] = [];
  const errors: InputError[] = [];
  for (const path of paths) {
    if (signal.aborted) break;
    const read = await readFile(path, signal, progress);
    if (read.ok) files.push(read.value);
    else errors.push(read.error);
  }
  progress.clear();
  for (const error of errors) complain(formatInputError(error));
  if (files.length > 0) {
    if (options.json === true) printJson({ schema: 1, command: 'conformance', files });
    else print(files.map((file) => fileText(file, options.verbose === true)).join('\n'));
  }
  if (signal.aborted) return EXIT.interrupted;
  if (errors.length > 0) return EXIT.usage;
  return files.every(isExpected) ? EXIT.ok : EXIT.unexpected;
}

async function readFile(path: string, signal: AbortSignal, progress: Progress): Promise<Result<ConformanceFile>> {
  const name = inputName(path);
  const conformance = createConformance(name);
  const read = await readInput(path, (chunk) => conformance.push(chunk), {
    signal,
    progress: (bytes, total) => progress.show(readingText(name, bytes, total)),
  });
  if (!read.ok) return err(withHint(read.error));
  if (read.value === 'interrupted') return err({ code: 'interrupted', place: name, message: 'interrupted' });
  return conformance.end();
}

/** What reading a file says is about traces: here it is about golden files. */
const HINTS: Readonly<Record<string, string>> = {
  eisdir: 'name the golden files in it',
  eacces: 'check its owner and mode',
  terminal: 'pipe a golden file into it, or name a file',
  'gzip-truncated': 'copy the file again',
};

function withHint(error: InputError): InputError {
  const hint = HINTS[error.code];
  return hint === undefined ? error : { ...error, hint };
}

const WRONG = new Set<string>(DEVIATION_TABLE.filter(({ right }) => String(right) === 'qemu').map(({ id }) => id));

function isExpected({ disagree, deviations }: ConformanceFile): boolean {
  return disagree.length === 0 && !Object.keys(deviations).some((id) => WRONG.has(id));
}

const MOST_SHOWN = 20;
const CLASS_HEAD = `  ${'outcome'.padEnd(12)} ${'kind'.padEnd(28)}  steps  agree\n`;

function fileText(file: ConformanceFile, isVerbose: boolean): string {
  const { agree, cases, deviations, disagree, steps, unsure } = file;
  const rows = Object.entries(deviations).map(([id, count]) => {
    const { right, rule, why } = DEVIATION_TABLE.find((deviation) => deviation.id === id)!;
    return `  ${String(count).padStart(6)}  ${id} (right: ${right})\n          rule: ${rule}\n          seen: ${why}\n`;
  });
  const unnamed = disagree
    .slice(0, MOST_SHOWN)
    .map(({ id, step, ours, theirs }) => `  case ${id}, step ${step}: ours ${ours}, theirs ${theirs}\n`);
  const more = disagree.length > MOST_SHOWN ? `  … and ${disagree.length - MOST_SHOWN} more (--json has all)\n` : '';
  const classes = file.classes.map(
    ({ outcome, kind, steps: of, agree: same }) =>
      `  ${outcome.padEnd(12)} ${printable(kind).padEnd(28)} ${String(of).padStart(6)} ${String(same).padStart(6)}\n`,
  );
  return [
    `${printable(file.file)}: ${cases} cases, ${steps} answers, ${agree} agree, ${disagree.length} unnamed, ${unsure} unsure\n`,
    ...(rows.length > 0 ? ['deviations (answers under each):\n', ...rows] : []),
    ...(unnamed.length > 0 ? ['without a name:\n', ...unnamed, more] : []),
    ...(isVerbose ? ['answers by what was recorded and the kind of case:\n', CLASS_HEAD, ...classes] : []),
  ].join('');
}

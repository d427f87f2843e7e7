/** `tablewalk check FILE.ts…`: the tests that modules export, one after the other, under every interleaving. */
import type { Command } from 'commander';
import { formatInputError } from '../base/result.ts';
import { fingerprintOf, removeCheckpoint, writeCheckpoint } from '../node/checkpoint.ts';
import { leave } from '../node/leave.ts';
import { checkWritable } from '../node/output.ts';
import { describeThrown, placeInUserCode } from '../node/test-file-errors.ts';
import { watchExit } from '../node/test-file-exit.ts';
import { replayCommand } from './check-command.ts';
import { addCheckOptions, type CheckCommandOptions, checkCombination, runOptions } from './check-options.ts';
import { type Listeners, runAll } from './check-plan.ts';
import {
  checkDocument,
  columnsFor,
  isExpected,
  type Mistaken,
  type Outcome,
  outcomeText,
  totalsText,
} from './check-report.ts';
import type { RunOptions } from './check-run.ts';
import { type FoundTest, findTests, selectTests } from './check-select.ts';
import { BadInput, complain, EXIT, type ExitCode, interruption } from './exit.ts';
import { writeText } from './html-report.ts';
import { print, printJson, screen } from './screen.ts';

const HELP = `
FILE is a TypeScript or JavaScript module, anywhere, that exports what defineTest of 'tablewalk/check' returns: one test,
several, or arrays of them. It is compiled as it is loaded; its types are not checked. docs/checker.md teaches how to write one.

Verdicts: holds (in every execution), violated (with the shortest counterexample that was found), unreachable (a sometimes that
never happens), bounded (a limit was hit, so nothing is proved: never expected), skipped.

Example:
  tablewalk check my-test.ts
  tablewalk check my-test.ts -t 'lost update' --schedule 0.1:3.0

Exit codes:
  0 every verdict is the expected one   1 one is not   2 bad usage, a file that is no test file, or a test that cannot be
  checked as it is written: one line says why   3 a bug in tablewalk   130 interrupted: what was known by then is printed`;

export function defineCheck(command: Command, done: (code: ExitCode) => void): void {
  command.argument('[FILES...]', 'modules that export tests');
  addCheckOptions(command);
  command
    .addHelpText('after', HELP)
    .action(async (files: readonly string[], options: CheckCommandOptions) => done(await runCheck(files, options)));
}

async function runCheck(files: readonly string[], options: CheckCommandOptions): Promise<ExitCode> {
  checkCombination(options);
  await checkArguments(files, options);
  const json = options.json === true;
  if (json) keepStdoutClean();
  watchUserCode(files);
  const signal = interruption();
  const tests = await testsOf(files, options, signal);
  if (tests === null) return EXIT.interrupted;
  const run = runOptions(options, tests);
  const { outcomes, mistakes } = await runAll(tests, run, listeners(tests, options, run, signal));
  await writeCounterexample(outcomes, options);
  // Interrupted before anything was known: there is nothing to print.
  if (json && outcomes.length + mistakes.length > 0) printJson(checkDocument(outcomes, mistakes, signal.aborted));
  else if (outcomes.length > 0) print(totalsText(outcomes, screen(options.color)));
  for (const { why } of mistakes) complain(why.message);
  return exitCode(tests, outcomes, mistakes, signal);
}

function exitCode(
  tests: readonly FoundTest[],
  outcomes: readonly Outcome[],
  mistakes: readonly Mistaken[],
  signal: AbortSignal,
): ExitCode {
  if (signal.aborted) {
    const finished = outcomes.filter(({ result }) => result.limit?.name !== 'interrupted').length;
    complain(`interrupted: ${finished} of ${tests.length} tests were done by then`);
    return EXIT.interrupted;
  }
  if (mistakes.length > 0) return EXIT.usage;
  return outcomes.every(isExpected) ? EXIT.ok : EXIT.unexpected;
}

function listeners(
  tests: readonly FoundTest[],
  options: CheckCommandOptions,
  run: RunOptions,
  signal: AbortSignal,
): Listeners {
  const columns = columnsFor(tests);
  return {
    signal,
    ...(options.checkpoint === undefined ? {} : { save: saver(options.checkpoint, run) }),
    outcome: (outcome) => {
      if (options.json === true) return;
      const replay = replayCommand(outcome.found, outcome.counterexample?.schedule ?? '', options.memory);
      print(outcomeText(outcome, columns, replay, screen(options.color)));
    },
  };
}

/** Keeps a checkpoint of what is left at `path`. */
function saver(path: string, run: RunOptions): NonNullable<Listeners['save']> {
  const start = performance.now() - 1000 * (run.secondsBefore ?? 0);
  return ({ test, file }, saved) => {
    if (saved === null) {
      removeCheckpoint(path);
      return;
    }
    const seconds = Math.round((performance.now() - start) / 1000);
    const memory = run.memory ?? test.memory ?? 'sc';
    const problem = writeCheckpoint(path, {
      schema: 1,
      kind: 'checkpoint',
      test: test.name,
      memory,
      fingerprint: fingerprintOf(file),
      seconds,
      saved,
    });
    if (problem !== null) complain(formatInputError(problem));
  };
}

async function checkArguments(files: readonly string[], options: CheckCommandOptions): Promise<void> {
  if (options.all === true) {
    const hint = 'name a file of your own: tablewalk check my-test.ts';
    throw new BadInput({ code: 'no-tests', place: '--all', message: 'no tests are built in yet', hint });
  }
  if (files.length === 0) {
    const hint = 'tablewalk check my-test.ts, or see tablewalk check --help';
    throw new BadInput({ code: 'no-files', message: 'no test file is named', hint });
  }
  for (const option of ['counterexample', 'checkpoint'] as const) {
    const path = options[option];
    const problem = path === undefined ? null : await checkWritable(path);
    if (problem !== null) throw new BadInput({ ...problem, place: `--${option} ${problem.place ?? ''}` });
  }
}

/** What test files print goes where it does no harm. */
function keepStdoutClean(): void {
  for (const name of ['log', 'info', 'debug', 'dir', 'table'] as const) console[name] = console.error;
}

/** What a test file sets going and lets fail behind our back is no bug of ours, and it does not end the program. */
function watchUserCode(files: readonly string[]): void {
  process.prependListener('uncaughtException', (error) => {
    const place = placeInUserCode(error, files[0]!);
    if (place === null) return;
    complain(`${place}: ${describeThrown(error)} (thrown outside of any test)`);
    leave(EXIT.usage);
  });
  watchExit(files[0]!, (error) => {
    complain(formatInputError(error));
    return leave(EXIT.usage);
  });
}

/** The tests to run; null when the user lost patience before they were loaded. */
async function testsOf(
  files: readonly string[],
  options: CheckCommandOptions,
  signal: AbortSignal,
): Promise<readonly FoundTest[] | null> {
  try {
    return selectTests(await findTests(files, signal), options.test);
  } catch (error) {
    if (!signal.aborted) throw error;
    complain(error instanceof Error ? error.message : String(error));
    return null;
  }
}

async function writeCounterexample(outcomes: readonly Outcome[], options: CheckCommandOptions): Promise<void> {
  if (options.counterexample === undefined) return;
  const first = outcomes.find(({ counterexample }) => counterexample !== null)?.counterexample;
  const say = (text: string): void => (options.json === true ? undefined : print(`${text}\n`));
  if (first === undefined || first === null) {
    say(`no counterexample: ${options.counterexample} was not written`);
    return;
  }
  await writeText(options.counterexample, `${JSON.stringify(first)}\n`);
  say(`wrote ${options.counterexample}`);
}

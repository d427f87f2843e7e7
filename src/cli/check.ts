/** `tablewalk check`: the tests that modules export, and the built-in ones, under every interleaving. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { formatInputError } from '../base/result.ts';
import { fingerprintOf, removeCheckpoint, writeCheckpoint } from '../node/checkpoint.ts';
import { leave } from '../node/leave.ts';
import { checkWritable } from '../node/output.ts';
import { describeThrown, placeInUserCode } from '../node/test-file-errors.ts';
import { watchExit } from '../node/test-file-exit.ts';
import {
  addCheckOptions,
  asksForAll,
  type CheckCommandOptions,
  checkCombination,
  runOptions,
} from './check-options.ts';
import { type Listeners, runAll } from './check-plan.ts';
import { checkDocument, isExpected, type Mistaken, type Outcome, totalsText } from './check-report.ts';
import type { RunOptions } from './check-run.ts';
import { type FoundTest, findTests, selectTests } from './check-select.ts';
import { isMatrix, showing } from './check-show.ts';
import { BadInput, complain, EXIT, type ExitCode, interruption } from './exit.ts';
import { writeText } from './html-report.ts';
import { print, printJson, screen } from './screen.ts';

const HELP = `
NAME is a built-in test, or a part of the names of several: each is explained. --all, or a filter, runs them as a matrix: letters for
pairs of designs, a line a test for others, and in full only what is not as expected. Tests that take long are left out, and shown
as they are stored, unless --slow is given or the full name.

FILE is a TypeScript or JavaScript module, anywhere, that exports what defineTest of 'tablewalk/check' returns: one test,
several, or arrays of them. It is compiled as it is loaded; its types are not checked. docs/checker.md teaches how to write one.

Verdicts: holds (in every execution), violated (with the shortest counterexample that was found), unreachable (a sometimes that
never happens), bounded (a limit was hit, so nothing is proved: never expected), skipped.

A counterexample of more than 40 steps is shown in brief: what threads do to each other, what the last steps depend on, and how many
steps lie between. --full shows all of them, --counterexample writes them to a file.

--necessity takes designs apart: each of their steps, and the kernel's, is left out or done after its neighbour, and the tests that hold
are run again. It says which verdict falls, by which interleaving, which step is needed by nothing, and which test says nothing.

Example:
  tablewalk check --all --workers 2
  tablewalk check flush-hook --necessity
  tablewalk check L01
  tablewalk check my-test.ts
  tablewalk check my-test.ts -t 'lost update' --schedule 0.1:3.0

Exit codes:
  0 every verdict is the expected one   1 one is not   2 bad usage, a file that is no test file, or a test that cannot be
  checked as it is written: one line says why   3 a bug in tablewalk   130 interrupted: what was known by then is printed`;

export function defineCheck(command: Command, done: (code: ExitCode) => void): void {
  command.argument('[NAMES...]', 'built-in tests by name, or modules that export tests');
  addCheckOptions(command);
  command
    .addHelpText('after', HELP)
    .action(async (names: readonly string[], options: CheckCommandOptions) => done(await runCheck(names, options)));
}

async function runCheck(names: readonly string[], options: CheckCommandOptions): Promise<ExitCode> {
  checkCombination(options);
  await checkArguments(names, options);
  const json = options.json === true;
  if (json) keepStdoutClean();
  const signal = interruption();
  const tests = await testsOf(names, options, signal);
  if (tests === null) return EXIT.interrupted;
  if (options.necessity === true) {
    const { runNecessity } = await import('./check-necessity.ts');
    return await runNecessity(tests, options, signal);
  }
  const run = { ...runOptions(options, tests), shortenUnexpectedOnly: isMatrix(tests, options) };
  const shown = showing(tests, options);
  const saving = options.checkpoint === undefined ? {} : { save: saver(options.checkpoint, run) };
  const { outcomes, mistakes } = await runAll(tests, run, { signal, ...saving, ...shown });
  shown.end(outcomes);
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
  // A built-in test that cannot be checked is our own mistake.
  if (mistakes.some(({ found }) => found.entry !== null)) return EXIT.bug;
  if (mistakes.length > 0) return EXIT.usage;
  return outcomes.every(isExpected) ? EXIT.ok : EXIT.unexpected;
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

async function checkArguments(names: readonly string[], options: CheckCommandOptions): Promise<void> {
  if (asksForAll(options) && names.length > 0) {
    const hint = 'leave one of the two out; -t chooses by name among all';
    throw new BadInput({
      code: 'all-and-names',
      message: '--all and filters choose among all built-in tests, and tests are named',
      hint,
    });
  }
  if (!asksForAll(options) && names.length === 0) {
    const hint = 'tablewalk check my-test.ts, or tablewalk check --all for what is built in';
    throw new BadInput({ code: 'no-files', message: 'no test is named', hint });
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
  names: readonly string[],
  options: CheckCommandOptions,
  signal: AbortSignal,
): Promise<readonly FoundTest[] | null> {
  const slow = options.slow === true;
  if (asksForAll(options)) {
    const { builtInTests } = await import('./check-built-in.ts');
    return selectTests(builtInTests(options, slow), options.test);
  }
  const files = names.filter((name) => existsSync(name) || /\.[cm]?[jt]s$/.test(name));
  if (files.length > 0) watchUserCode(files);
  try {
    return selectTests(await findTests(names, slow, signal), options.test);
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

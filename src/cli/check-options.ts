/** Options of `check`, and what they make the checker do. */
import { type Command, Option } from 'commander';
import {
  type CheckTest,
  type MemoryModel,
  parseSchedule,
  STRATEGIES,
  type StrategyName,
  World,
} from '../check/index.ts';
import { type Checkpoint, fingerprintOf, readCheckpoint } from '../node/checkpoint.ts';
import type { RunOptions } from './check-run.ts';
import type { FoundTest } from './check-select.ts';
import { BadInput } from './exit.ts';
import { oneOf, wholeNumber } from './options.ts';

export interface CheckCommandOptions {
  readonly all?: boolean;
  readonly slow?: boolean;
  readonly family?: string;
  readonly scenario?: string;
  readonly design?: string;
  readonly test?: string;
  readonly strategy?: StrategyName;
  readonly memory?: MemoryModel;
  readonly bound?: number;
  readonly runs?: number;
  readonly seed?: number;
  readonly schedule?: string;
  readonly maxExecutions?: number;
  readonly maxSeconds?: number;
  readonly cache?: boolean;
  readonly workers?: number;
  readonly checkpoint?: string;
  readonly resume?: string;
  readonly counterexample?: string;
  readonly full?: boolean;
  readonly necessity?: boolean;
  readonly json?: boolean;
  readonly color: boolean;
}

export function addCheckOptions(command: Command): void {
  command
    .option('--all', 'all built-in tests, as a matrix')
    .option('--slow', 'built-in tests: also those that take long')
    .option('--family <NAME>', 'built-in tests of that family, or of those that have it in their name')
    .option('--scenario <NAME>', 'the same by scenario')
    .option('--design <NAME>', 'the same by design; a pair by either of its designs')
    .option('-t, --test <NAME>', 'only the test of that name, or those that have it in their name')
    .addOption(
      new Option('--strategy <NAME>', `how schedules are chosen: ${STRATEGIES.join(', ')} (default: dpor)`).argParser(
        oneOf('--strategy', STRATEGIES),
      ),
    )
    .option('--memory <MODEL>', 'sc or tso, whatever the test says', oneOf('--memory', ['sc', 'tso'] as const))
    .option(
      '--bound <N>',
      'minimal: preemptions, at most; pct: depth of the bugs to find (default 3)',
      wholeNumber('--bound', 0, 1000),
    )
    .option('--runs <N>', 'random, pct: schedules (default 1,000)', wholeNumber('--runs', 1, 1e12))
    .option('--seed <N>', 'random, pct: where they begin (default 1)', wholeNumber('--seed', 0, 2 ** 32 - 1))
    .option('--schedule <STRING>', 'runs one test by this schedule, as a counterexample prints it')
    .option('--max-executions <N>', 'of each test, at most', wholeNumber('--max-executions', 1, 1e15 - 1))
    .option('--max-seconds <N>', 'for each test, at most', wholeNumber('--max-seconds', 1, 1e9))
    .option('--cache', 'minimal: gives up executions of a class that was seen')
    .option(
      '--workers <N>',
      'several built-in tests at a time; dpor: parts of one long test; on N threads (default 1)',
      wholeNumber('--workers', 1, 256),
    )
    .option('--checkpoint <FILE>', 'dpor: writes what is left to do there, every 10 s and when interrupted')
    .option('--resume <FILE>', 'dpor: goes on where such a file was left')
    .option('--necessity', 'takes designs apart: which of their steps are needed, and for which test')
    .option('--full', 'shows all steps of counterexamples, not only those that matter')
    .option('--counterexample <FILE>', 'writes the first counterexample as JSON');
}

/** What an option is for, where it is not for every strategy. */
const ONLY_FOR: readonly (readonly [option: 'bound' | 'runs' | 'cache', strategies: readonly StrategyName[]])[] = [
  ['bound', ['minimal', 'pct']],
  ['cache', ['minimal']],
  ['runs', ['random', 'pct']],
];

/** @throws BadInput for options that do not go together. */
export function checkCombination(options: CheckCommandOptions): void {
  const { strategy, schedule } = options;
  if (schedule !== undefined && strategy !== undefined && strategy !== 'replay') {
    refuse(
      '--schedule',
      `a schedule is replayed: it leaves nothing for --strategy ${strategy}`,
      'leave one of them out',
    );
  }
  if (strategy === 'replay' && schedule === undefined) {
    refuse('--strategy replay', 'there is no schedule', 'add --schedule, with the string that a counterexample prints');
  }
  checkLongRuns(options);
  checkNecessity(options);
  for (const [option, strategies] of ONLY_FOR) {
    if (options[option] === undefined || strategies.includes(strategyOf(options))) continue;
    refuse(`--${option}`, `it says nothing to the strategy ${strategyOf(options)}`, `add --strategy ${strategies[0]}`);
  }
}

/** Whether filters or `--all` choose among the built-in tests. */
export function asksForAll({ all, family, scenario, design }: CheckCommandOptions): boolean {
  return all === true || family !== undefined || scenario !== undefined || design !== undefined;
}

/** What is for long explorations of all there is. */
function checkLongRuns(options: CheckCommandOptions): void {
  for (const option of ['checkpoint', 'resume', ...(asksForAll(options) ? [] : (['workers'] as const))] as const) {
    if (options[option] === undefined || strategyOf(options) === 'dpor') continue;
    refuse(`--${option}`, `it says nothing to the strategy ${strategyOf(options)}`, 'it is for --strategy dpor');
  }
  const single = options.checkpoint ?? options.resume;
  if (single !== undefined && (options.workers ?? 1) > 1) {
    refuse('--workers', 'a checkpoint is of one exploration, not of parts', 'leave --workers or the checkpoint out');
  }
}

/** It explores all there is, again and again, in this thread. */
function checkNecessity(options: CheckCommandOptions): void {
  if (options.necessity !== true) return;
  for (const option of [
    'strategy',
    'memory',
    'schedule',
    'checkpoint',
    'resume',
    'counterexample',
    'workers',
  ] as const) {
    if (options[option] === undefined) continue;
    refuse('--necessity', `it explores all of each test as it is, and leaves nothing for --${option}`, 'leave one out');
  }
}

function strategyOf(options: CheckCommandOptions): StrategyName {
  return options.strategy ?? (options.schedule === undefined ? 'dpor' : 'replay');
}

/** What the checker is told. @throws BadInput for a schedule that is none, or that several tests would be run by. */
export function runOptions(options: CheckCommandOptions, tests: readonly FoundTest[]): RunOptions {
  const { memory, bound, runs, seed, maxExecutions, maxSeconds, cache, workers } = options;
  const given = { memory, bound, runs, seed, maxExecutions, maxSeconds, cache, workers };
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as RunOptions;
  const strategy = strategyOf(options);
  if (options.checkpoint !== undefined || options.resume !== undefined)
    onlyTest(tests, options.resume === undefined ? '--checkpoint' : '--resume');
  if (options.resume !== undefined) {
    const { saved, seconds } = savedIn(options.resume, tests[0]!, memory);
    return { ...known, strategy, resume: saved, secondsBefore: seconds };
  }
  if (options.schedule === undefined) return { ...known, strategy };
  // As it was given: not made shorter.
  return { ...known, strategy, schedule: scheduleFor(options.schedule, tests, memory), minimise: 0 };
}

function scheduleFor(
  text: string,
  tests: readonly FoundTest[],
  memory: MemoryModel | undefined,
): NonNullable<RunOptions['schedule']> {
  const only = onlyTest(tests, '--schedule');
  // What is wrong from the start needs no step.
  if (text.trim() === '') return [];
  const parsed = parseSchedule(text, programThreads(withMemory(only.test, memory)));
  if (!parsed.ok) throw new BadInput({ ...parsed.error, place: `--schedule: ${parsed.error.place ?? ''}` });
  return parsed.value;
}

function onlyTest(tests: readonly FoundTest[], what: string): FoundTest {
  const [only] = tests;
  if (only !== undefined && tests.length === 1) return only;
  const names = tests.slice(0, 8).map(({ label }) => `'${label}'`);
  refuse(what, `it is for one test, not for ${tests.length}`, `choose one with -t: ${names.join(', ')}`);
}

function savedIn(path: string, { test, file }: FoundTest, memory: MemoryModel | undefined): Checkpoint {
  const read = readCheckpoint(path);
  if (!read.ok) throw new BadInput({ ...read.error, place: `--resume ${read.error.place ?? ''}` });
  const own = withMemory(test, memory).memory ?? 'sc';
  if (read.value.test !== test.name || read.value.memory !== own) {
    const what = `it is of test '${read.value.test}' under ${read.value.memory}, and this is '${test.name}' under ${own}`;
    refuse(`--resume ${path}`, what, 'choose the test with -t, the memory model with --memory');
  }
  if (read.value.fingerprint !== fingerprintOf(file)) {
    refuse(`--resume ${path}`, `${file ?? 'tablewalk'} has been changed since`, 'check it from the beginning');
  }
  return read.value;
}

export function withMemory(test: CheckTest, memory: MemoryModel | undefined): CheckTest {
  return memory === undefined ? test : { ...test, memory };
}

/** Threads of the program, without store buffers. */
function programThreads(test: CheckTest): number {
  return Object.keys(test.program(new World({ memory: test.memory ?? 'sc' })).threads).length;
}

function refuse(place: string, message: string, hint: string): never {
  throw new BadInput({ code: 'bad-options', place, message, hint });
}

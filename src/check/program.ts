/**
 * What a user of the checker writes: a test, its program, and the properties it must have. docs/checker.md teaches it.
 */
import type { Flow } from '../base/flow.ts';
import { TestMistake } from '../base/mistake.ts';
import type { MemoryModel, World } from '../base/world.ts';

/**
 * `holds`: every execution was looked at. `violated`: a counterexample was found. `unreachable`: a `sometimes` never happened.
 * `bounded`: a named limit was hit, so nothing is proved; never an expected verdict. `skipped`: with its reason, not run.
 */
export type Verdict = 'holds' | 'violated' | 'unreachable' | 'bounded' | 'skipped';

export type Predicate = () => boolean;

/** A property that is looked at only when an execution has ended. */
export interface AtEnd {
  readonly atEnd: Predicate;
}

export function atEnd(predicate: Predicate): AtEnd {
  return { atEnd: predicate };
}

export type Properties = Readonly<Record<string, Predicate | AtEnd>>;

/** A thread that serves others and may still be waiting when they have ended (hardware, a worker). */
export interface Daemon {
  readonly daemon: Flow<unknown>;
}

/** One run's threads and properties, made anew for each execution. */
export interface Program {
  /** By name, in the order that schedules number them; a list where names do not matter. */
  readonly threads: Readonly<Record<string, Flow<unknown> | Daemon>> | readonly (Flow<unknown> | Daemon)[];
  /** Hold in every state (or at each end: `atEnd`). Look at shared objects with peek() alone. */
  readonly always?: Properties;
  /** Must happen in some execution, or the verdict is `unreachable`: shows that the test is not vacuous. */
  readonly sometimes?: Properties;
  /** Happen in every fair execution, sooner or later. */
  readonly eventually?: Properties;
  /** Marks (`world.reach(mark)`) that no execution may pass. */
  readonly never?: readonly string[];
  /** Marks that some execution must pass. */
  readonly reachable?: readonly string[];
}

export interface CheckTest {
  readonly name: string;
  /** One sentence: what is tested, and after which source. */
  readonly about?: string;
  /** The design under test, where there is one. */
  readonly design?: string;
  readonly expect: Exclude<Verdict, 'bounded'>;
  /** Default: `sc`, sequentially consistent. */
  readonly memory?: MemoryModel;
  /** Steps of one execution, at most; a longer one is looked at for livelock, and else makes the verdict `bounded`. */
  readonly maxSteps?: number;
  /** Why the test is not run: its verdict is `skipped`. */
  readonly skip?: string;
  program(world: World): Program;
}

const TESTS = new WeakSet<object>();

/** Declares a test: export it from its file, and `tablewalk check FILE.ts` runs it. */
export function defineTest(test: CheckTest): CheckTest {
  validate(test);
  TESTS.add(test);
  return test;
}

const EXPECTED: readonly string[] = ['holds', 'violated', 'unreachable', 'skipped'];

function validate(test: CheckTest): void {
  const { name, expect, memory, maxSteps } = test;
  const refuse = (what: string) => {
    throw new TestMistake(`test '${String(name)}': ${what}`);
  };
  if (typeof name !== 'string' || name === '') throw new TestMistake('a test needs a name');
  if (!EXPECTED.includes(expect)) refuse(`expect is '${String(expect)}', and is one of ${EXPECTED.join(', ')}`);
  if (typeof test.program !== 'function')
    refuse('program is to be a function that takes a World and gives { threads, … }');
  if (memory !== undefined && memory !== 'sc' && memory !== 'tso')
    refuse(`memory is '${String(memory)}', and is sc or tso`);
  if (maxSteps !== undefined && !(Number.isInteger(maxSteps) && maxSteps > 0))
    refuse('maxSteps is a whole number from 1');
}

/** Whether a value that a module exports is a test. */
export function isTest(value: unknown): value is CheckTest {
  return typeof value === 'object' && value !== null && TESTS.has(value);
}

/**
 * A violation, step by step: its schedule is run once more with everything told, and what each step read and wrote becomes a row.
 * The result is plain data: for the lanes on a terminal (lanes.ts), for `--json`, and for the file that the web app opens.
 */
import { printable } from '../base/result.ts';
import type { AccessEvent, MemoryModel } from '../base/world.ts';
import { Execution } from './execution.ts';
import type { CheckTest } from './program.ts';
import { printSchedule } from './schedule.ts';
import { findSource, type Source } from './source.ts';
import type { Violation, ViolationKind } from './verdicts.ts';

export interface ExplainedAccess {
  /** The object's name, with the word in brackets where it has several. */
  readonly object: string;
  readonly kind: 'read' | 'write';
  /** Values as text; null where there is none. A read has the same twice. */
  readonly before: string | null;
  readonly after: string | null;
  readonly note: string | null;
}

export interface ExplainedStep {
  /** Index in `lanes`. */
  readonly lane: number;
  /** What the step was announced as; null for a plain access. */
  readonly operation: string | null;
  readonly chose: readonly number[] | null;
  readonly accesses: readonly ExplainedAccess[];
  /** A thread that could have gone on was left here. */
  readonly preempts: boolean;
  /** Where it stands in the program, as far as the stack tells. */
  readonly source: Source | null;
}

export interface Counterexample {
  readonly schema: 1;
  readonly kind: 'counterexample';
  readonly test: string;
  readonly design: string | null;
  readonly memory: MemoryModel;
  readonly violation: ViolationKind;
  readonly property: string;
  readonly message: string;
  /** Threads, and the store buffers that take part. */
  readonly lanes: readonly string[];
  readonly steps: readonly ExplainedStep[];
  readonly schedule: string;
  /** The steps end with one round of what goes on for ever. */
  readonly repeats: boolean;
}

/** Characters of a name or a value, at most. */
const LONGEST = 60;

/** `test` with the memory model that it was checked under. `before`: told of each step, by its index, before it is made. */
export function explain(
  test: CheckTest,
  violation: Violation,
  before: (step: number) => void = () => {},
): Counterexample {
  const told: AccessEvent[] = [];
  let stack: string | null = null;
  const run = new Execution(test, {
    tracer: (event) => {
      told.push(event);
      stack ??= new Error().stack ?? null;
    },
  });
  const lanes = new Lanes(run);
  const steps: ExplainedStep[] = [];
  let running = -1;
  for (const { thread, path } of violation.schedule.slice(0, violation.tells)) {
    told.length = 0;
    stack = null;
    run.world.choseAt = null;
    const isBuffer = run.isBuffer(thread);
    const preempts = !isBuffer && running !== -1 && running !== thread && run.enabled(running);
    const operation = isBuffer ? null : (run.stepOf(thread)?.label ?? null);
    const announcedAt = run.announcedAt[thread] ?? null;
    before(steps.length);
    run.step(thread, path);
    if (!isBuffer) running = thread;
    steps.push({
      lane: lanes.of(thread),
      operation,
      chose: run.path,
      accesses: told.map(explainAccess),
      preempts,
      source: findSource(stack) ?? findSource(run.world.choseAt) ?? findSource(announcedAt),
    });
  }
  return {
    schema: 1,
    kind: 'counterexample',
    test: test.name,
    design: test.design ?? null,
    memory: test.memory ?? 'sc',
    violation: violation.kind,
    property: violation.property,
    message: violation.message,
    lanes: lanes.names,
    steps,
    schedule: printSchedule(violation.schedule, run.programThreads),
    repeats: violation.tells !== undefined,
  };
}

/** All threads have a lane; a store buffer has one from its first step on. */
class Lanes {
  readonly names: string[] = [];
  private readonly run: Execution;
  private readonly byThread = new Map<number, number>();

  constructor(run: Execution) {
    this.run = run;
    for (let thread = 0; thread < run.programThreads; thread++) this.of(thread);
  }

  of(thread: number): number {
    let lane = this.byThread.get(thread);
    if (lane === undefined) {
      lane = this.names.length;
      this.names.push(printable(this.run.nameOf(thread), LONGEST));
      this.byThread.set(thread, lane);
    }
    return lane;
  }
}

function explainAccess({ object, word, kind, before, after, note }: AccessEvent): ExplainedAccess {
  return {
    object: printable(object.words > 1 ? `${object.name}[${word}]` : object.name, LONGEST),
    kind,
    before: printValue(before),
    after: printValue(after),
    note: note ?? null,
  };
}

/** A value as text; large numbers, which are mostly addresses and entries, in hexadecimal. */
export function printValue(value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value === 'string') return printable(value, LONGEST);
  if (typeof value === 'bigint') return `0x${value.toString(16)}`;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 4096) return `0x${value.toString(16)}`;
  if (typeof value !== 'object' || value === null) return String(value);
  try {
    const text = JSON.stringify(value, (_key, part: unknown) =>
      typeof part === 'bigint' ? `0x${part.toString(16)}` : part,
    );
    // An object that gives itself a name (toJSON) goes by it.
    return printable(text.startsWith('"') ? String(JSON.parse(text)) : text, LONGEST);
  } catch {
    return '[object]';
  }
}

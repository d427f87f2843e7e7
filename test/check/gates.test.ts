/**
 * Threads behind gates, and steps that wait and then touch other words: the exploration comes to the same ends as trying every schedule does.
 * Small random programs; ends are the values of all words, or who is left waiting.
 */
import { describe, expect, it } from 'vitest';
import { Cell, createRandom, type Flow, gated, untilAtomic, type World } from '../../src/base/index.ts';
import { Execution } from '../../src/check/execution.ts';
import { atEnd, type CheckTest, check } from '../../src/check/index.ts';

type Operation = readonly ['set' | 'copy' | 'wait', number, number];

interface Plan {
  readonly threads: readonly (readonly Operation[])[];
  /** Threads that can go on while word 0 is 0. */
  readonly gated: readonly boolean[];
}

const WORDS = 3;

function planOf(seed: number): Plan {
  const random = createRandom(seed);
  const thread = () =>
    Array.from({ length: 1 + random.below(3) }, (): Operation => {
      const kind = (['set', 'copy', 'wait'] as const)[random.below(3)]!;
      return [kind, random.below(WORDS), random.below(WORDS)];
    });
  const threads = [thread(), thread(), thread()];
  return { threads, gated: threads.map(() => random.below(2) === 0) };
}

/** `set`: word a becomes its own number more. `copy`: b becomes a, in two steps. `wait`: until a is not 0; then a and b change in that step. */
function* body(
  world: World,
  words: readonly Cell<number>[],
  operations: readonly Operation[],
  own: number,
): Flow<void> {
  for (const [kind, a, b] of operations) {
    if (kind === 'set') {
      yield;
      words[a]!.store(own);
    } else if (kind === 'copy') {
      yield;
      const value = words[a]!.load();
      yield;
      words[b]!.store(value);
    } else {
      yield untilAtomic(world, 'a value', () => words[a]!.peek() !== 0);
      words[a]!.store(0);
      words[b]!.store(own + 10);
    }
  }
}

function testOf(plan: Plan, ended: (state: string) => void): CheckTest {
  return {
    name: 'gates',
    expect: 'holds',
    program: (world) => {
      const words = Array.from({ length: WORDS }, (_, i) => new Cell(world, `w${i}`, 0));
      const state = (): string => words.map((word) => word.peek()).join(' ');
      const threads = plan.threads.map((operations, i) => {
        const flow = body(world, words, operations, i + 1);
        return { daemon: plan.gated[i]! ? gated(world, 'open', () => words[0]!.peek() === 0, flow) : flow };
      });
      return {
        threads,
        always: {
          told: atEnd(() => {
            ended(state());
            return true;
          }),
        },
      };
    },
  };
}

/** Every schedule, one after the other, each from the start. */
function everyEnd(test: CheckTest): void {
  const { program } = test;
  const explore = (prefix: readonly number[]): void => {
    const run = new Execution({ ...test, program });
    for (const thread of prefix) run.step(thread);
    const enabled = Array.from({ length: run.threadCount }, (_, t) => t).filter((t) => run.enabled(t));
    if (enabled.length === 0) (run.program.always!['told'] as { atEnd: () => boolean }).atEnd();
    for (const thread of enabled) explore([...prefix, thread]);
  };
  explore([]);
}

describe('programs with gates', () => {
  it('come to the same ends as by every schedule', { timeout: 60_000 }, () => {
    let waited = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const plan = planOf(seed);
      const explored = new Set<string>();
      const all = new Set<string>();
      const result = check(testOf(plan, (state) => explored.add(state)));
      everyEnd(testOf(plan, (state) => all.add(state)));
      expect({ seed, verdict: result.verdict, ends: [...explored].sort() }).toEqual({
        seed,
        verdict: 'holds',
        ends: [...all].sort(),
      });
      if (plan.threads.some((operations) => operations.some(([kind]) => kind === 'wait'))) waited++;
    }
    expect(waited).toBeGreaterThan(50);
  });
});

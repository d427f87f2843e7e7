/**
 * What a step stands against: in a counterexample that the step's absence made possible, the accesses of another thread that come between those of
 * its own thread before and after the place where it was left out.
 */
import type { Counterexample, ExplainedStep, Source } from '../../check/index.ts';

/** The other side of a step: where the kernel writes "pairs with". */
export interface Pair {
  /** Thread. */
  readonly lane: string;
  readonly source: Source | null;
  /** Word at which the two meet. */
  readonly object: string;
  /** What the other thread does to it. */
  readonly kind: 'read' | 'write';
}

const MOST = 2;

const OF_LOCK = /\.(?:acquire|release|(?:read|write)(?:Lock|Unlock))$/;

/** `gone`: indices of the steps in which the step would have been done. `ofLock`: it was a lock, and what others do to locks counts. */
export function pairsOf({ lanes, steps }: Counterexample, gone: readonly number[], ofLock: boolean): readonly Pair[] {
  // The last time before the violation is the one that mattered.
  const at = gone.at(-1);
  const own = at === undefined ? undefined : steps[at];
  if (at === undefined || own === undefined) return [];
  const { lane } = own;
  const pairOf = ({ accesses, lane: other, source }: ExplainedStep, object: string): Pair => {
    const writes = accesses.some((one) => one.object === object && one.kind === 'write');
    return { lane: lanes[other]!, source, object, kind: writes ? 'write' : 'read' };
  };
  const pairs = [...meetings(steps, at, lane, ofLock)].map(([step, object]) => pairOf(step, object));
  if (pairs.length > 0) return pairs.slice(0, MOST);
  // What it does, its own thread does nowhere else: then it is whoever goes wrong.
  const last = steps.at(-1)!;
  const object = last.accesses.at(-1)?.object;
  return last.lane === lane || object === undefined ? [] : [pairOf(last, object)];
}

/** Steps of others after `at` that meet what the own thread does before or after it, each with the word; one a function of the other. */
function* meetings(
  steps: readonly ExplainedStep[],
  at: number,
  lane: number,
  ofLock: boolean,
): Generator<[ExplainedStep, string]> {
  const own = steps.filter((step) => step.lane === lane);
  const told = new Set<string>();
  for (const step of steps.slice(at + 1)) {
    if (step.lane === lane || (!ofLock && OF_LOCK.test(step.operation ?? ''))) continue;
    const object = wordShared(step, own);
    if (object === null) continue;
    const where = `${step.lane} ${step.source?.function ?? ''} ${object}`;
    if (told.has(where)) continue;
    told.add(where);
    yield [step, object];
  }
}

/** A word of the step that the own thread reads or writes too, one of both writing. */
function wordShared(step: ExplainedStep, own: readonly ExplainedStep[]): string | null {
  for (const { kind, object } of step.accesses) {
    const meets = own.some(({ accesses }) =>
      accesses.some((other) => other.object === object && (kind === 'write' || other.kind === 'write')),
    );
    if (meets) return object;
  }
  return null;
}

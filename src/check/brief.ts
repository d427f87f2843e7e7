/**
 * Which steps of a counterexample tell what went wrong, and what becomes of the rest: a run of others of one lane is folded into one
 * row. What matters, of a word being an object by name and its index:
 *
 * 1. a step that meets another lane at a word: the nearest access in conflict with it, before or after, is the other's;
 * 2. a step that writes what the violating lane reads in its last steps. A word that one lane alone writes again and again, as a
 *    flag of interrupts, is left out;
 * 3. taking a lock that another lane has had since the own step before, and where it ends in a deadlock, one that is kept;
 * 4. a choice, a step that leaves a thread which could have gone on, and the last few steps besides those of locks.
 */
import type { Counterexample, ExplainedAccess, ExplainedStep } from './explain.ts';

/** A row: a step, by its index, with those of its accesses that are to be shown; or several steps of the same lane. */
export type BriefRow =
  | { readonly kind: 'step'; readonly at: number; readonly accesses: readonly ExplainedAccess[] }
  | { readonly kind: 'fold'; readonly steps: readonly number[] };

/** The last steps that are shown whatever they do; those of the violating lane in which it is looked at what it reads. */
const LAST = 4;
const SLICE = 10;
/** Writes of a word by one lane alone, from which on it is noise. */
const NOISE = 5;
/** A run of fewer steps is not folded. */
const SHORTEST_FOLD = 2;

const TAKES = /\.(acquire|readLock|writeLock)$/;
const GIVES_BACK = /\.(release|readUnlock|writeUnlock)$/;

interface Access {
  readonly at: number;
  readonly lane: number;
  readonly writes: boolean;
}

/** Words by which a step matters; null: by all of it. */
type Reasons = Map<number, Set<string> | null>;

/** Lanes without a step that matters are left out, and their steps with them. */
export function briefRows(counterexample: Counterexample): readonly BriefRow[] {
  const { steps } = counterexample;
  const matters = stepsThatMatter(counterexample);
  const shown = new Set([...matters.keys()].map((at) => steps[at]!.lane));
  const rows: BriefRow[] = [];
  let run: number[] = [];
  const endRun = (): void => {
    if (run.length >= SHORTEST_FOLD) rows.push({ kind: 'fold', steps: run });
    else for (const at of run) rows.push({ kind: 'step', at, accesses: steps[at]!.accesses });
    run = [];
  };
  for (const [at, { lane, accesses }] of steps.entries()) {
    if (!shown.has(lane)) continue;
    const words = matters.get(at);
    if (words !== undefined || (run.length > 0 && steps[run[0]!]!.lane !== lane)) endRun();
    if (words === undefined) run.push(at);
    else rows.push({ kind: 'step', at, accesses: accesses.filter((access) => tells(access, words)) });
  }
  endRun();
  return rows;
}

function tells({ kind, object }: ExplainedAccess, words: ReadonlySet<string> | null): boolean {
  return words === null || kind === 'write' || words.has(object);
}

function stepsThatMatter({ steps, violation }: Counterexample): Reasons {
  const reasons: Reasons = new Map();
  const byWord = accessesByWord(steps);
  const last = readLast(steps);
  for (const [word, accesses] of byWord) {
    const own = last.has(word) && !isNoise(accesses) ? accesses.filter(({ writes }) => writes) : [];
    for (const { at } of [...meetings(accesses), ...own]) {
      const known = reasons.get(at) ?? new Set();
      reasons.set(at, known.add(word));
    }
  }
  for (const at of locksTaken(steps, violation === 'deadlock')) reasons.set(at, null);
  const telling = steps
    .map((step, at) => (at === steps.length - 1 || !isOfLock(step) ? at : -1))
    .filter((at) => at >= 0);
  for (const at of telling.slice(-LAST)) reasons.set(at, null);
  for (const [at, { chose, preempts }] of steps.entries()) {
    if ((chose !== null || preempts) && !reasons.has(at)) reasons.set(at, null);
  }
  return reasons;
}

/** Accesses that have another lane's next to them, among those of the word that they are in conflict with. */
function meetings(accesses: readonly Access[]): readonly Access[] {
  return accesses.filter((own, i) => {
    const conflicts = (other: Access): boolean => other.at !== own.at && (own.writes || other.writes);
    const nearest = [accesses.slice(0, i).findLast(conflicts), accesses.slice(i + 1).find(conflicts)];
    return nearest.some((other) => other !== undefined && other.lane !== own.lane);
  });
}

function isNoise(accesses: readonly Access[]): boolean {
  const lanes = accesses.filter(({ writes }) => writes).map(({ lane }) => lane);
  return lanes.length >= NOISE && new Set(lanes).size === 1;
}

/** Words that the lane of the last step reads in its last steps. */
function readLast(steps: readonly ExplainedStep[]): ReadonlySet<string> {
  const lane = steps.at(-1)?.lane;
  const own = steps.filter((step) => step.lane === lane).slice(-SLICE);
  const reads = own.flatMap(({ accesses }) => accesses.filter(({ kind }) => kind === 'read'));
  return new Set(reads.map(({ object }) => object));
}

/** Steps that take a lock for which their lane may have waited; `kept`: and those after which it is not given back. */
function locksTaken(steps: readonly ExplainedStep[], kept: boolean): readonly number[] {
  return [...steps.entries()]
    .filter(([at, { lane, operation }]) => {
      if (operation === null || !TAKES.test(operation)) return false;
      const lock = operation.replace(TAKES, '');
      const isGivenBack = (step: ExplainedStep): boolean => step.operation?.replace(GIVES_BACK, '') === lock;
      const before = steps.slice(0, at).findLastIndex((step) => step.lane === lane);
      const meanwhile = steps.slice(before + 1, at).some((step) => step.lane !== lane && isGivenBack(step));
      return (
        (before !== -1 && meanwhile) ||
        (kept && !steps.slice(at).some((step) => step.lane === lane && isGivenBack(step)))
      );
    })
    .map(([at]) => at);
}

/** Without locks, of which the order says all. */
function accessesByWord(steps: readonly ExplainedStep[]): ReadonlyMap<string, readonly Access[]> {
  const byWord = new Map<string, Access[]>();
  for (const [at, step] of steps.entries()) {
    if (isOfLock(step)) continue;
    for (const { kind, object } of step.accesses) {
      const known = byWord.get(object) ?? [];
      byWord.set(object, known);
      known.push({ at, lane: step.lane, writes: kind === 'write' });
    }
  }
  return byWord;
}

function isOfLock({ operation }: ExplainedStep): boolean {
  return operation !== null && (TAKES.test(operation) || GIVES_BACK.test(operation));
}

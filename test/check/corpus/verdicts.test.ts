/**
 * Random small programs with a random property each: all strategies come to the verdict that brute force gives.
 */
import { describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../../../src/base/random.ts';
import { type CheckOptions, check, type MemoryModel, type Verdict } from '../../../src/check/index.ts';
import { EXTRA_RUNS } from '../../support/domain-arbitraries.ts';
import { type Expectations, testOf } from './as-program.ts';
import { generate } from './generate.ts';
import { interpret, type Possible } from './interpreter.ts';
import { FREED, type Outcome, printOutcome, printSpec, type Spec } from './spec.ts';

const PROGRAMS = { sc: 150, tso: 70 };
const MOST_STATES = 3000;

interface Question {
  readonly about: string;
  readonly expectations: Expectations;
  readonly isPossible: boolean;
}

/** An outcome that is possible, or one that differs from it in a value and is not. */
function askForOutcome({ outcomes }: Possible, random: Random): Question {
  const { end, memory, reads } = random.pick([...outcomes.values()]);
  const asked: Outcome =
    random.below(2) === 0 ? { end, memory, reads } : { end, memory: changeOne(memory, random), reads };
  const neverEndsWith = printOutcome(asked);
  return {
    about: `never ends with ${neverEndsWith}`,
    expectations: { neverEndsWith, daemons: true },
    isPossible: outcomes.has(neverEndsWith),
  };
}

/** Values that memory may have for a moment, or may not. */
function askForContents({ contents }: Possible, random: Random): Question {
  const some = random
    .pick([...contents])
    .split(',')
    .map(Number);
  const neverHolds = random.below(2) === 0 ? some : changeOne(some, random);
  return {
    about: `never holds ${neverHolds}`,
    expectations: { neverHolds, daemons: true },
    isPossible: contents.has(neverHolds.join(',')),
  };
}

/** Whether a thread may wait for ever, or touch what was freed. */
function askForTrouble({ outcomes }: Possible): Question {
  const isTrouble = ({ end, reads }: Outcome) => end !== 'ended' || reads.some((row) => row.includes(FREED));
  return {
    about: 'never deadlocks and uses nothing after its free',
    expectations: { throwsFreed: true },
    isPossible: [...outcomes.values()].some(isTrouble),
  };
}

function changeOne(values: readonly number[], random: Random): number[] {
  const at = random.below(values.length);
  return values.map((value, i) => (i === at ? (value + 1 + random.below(2)) % 4 : value));
}

/** Without its cache `minimal` sees every interleaving, of which some programs have too many. */
const MOST_INTERLEAVINGS = 4000;
const PLAIN: CheckOptions = { strategy: 'minimal', maxExecutions: MOST_INTERLEAVINGS };
const EXHAUSTIVE: readonly CheckOptions[] = [{ strategy: 'dpor' }, PLAIN, { strategy: 'minimal', cache: true }];

/** Enough for what these programs can do, and little where there is nothing to find. */
function sampling(isPossible: boolean): readonly CheckOptions[] {
  const runs = isPossible ? 30_000 : 100;
  return [
    { strategy: 'random', runs },
    { strategy: 'pct', runs, bound: 6 },
  ];
}

interface Answers {
  readonly complaints: string[];
  given: number;
  /** Explorations that were given up. */
  unfinished: number;
}

function ask(spec: Spec, { about, expectations, isPossible }: Question, answers: Answers): void {
  const compare = (options: CheckOptions, expected: Verdict) => {
    const { verdict, message, limit } = check(testOf(spec, expectations), { ...options, minimise: 0 });
    answers.given++;
    if (verdict === expected) return;
    if (options === PLAIN && limit?.name === 'executions') answers.unfinished++;
    else {
      const says = `${JSON.stringify(options)} says ${verdict} (${message}), not ${expected}`;
      answers.complaints.push(`${printSpec(spec)}\n${about}: ${says}`);
    }
  };
  for (const options of EXHAUSTIVE) compare(options, isPossible ? 'violated' : 'holds');
  for (const options of sampling(isPossible)) compare(options, isPossible ? 'violated' : 'bounded');
}

describe('all strategies agree with brute force', () => {
  for (const memory of ['sc', 'tso'] satisfies MemoryModel[]) {
    it(`on what is possible and what is not: ${memory}`, () => {
      const answers: Answers = { complaints: [], given: 0, unfinished: 0 };
      const wanted = Math.round(PROGRAMS[memory] * EXTRA_RUNS);
      for (let seed = 0, done = 0; done < wanted; seed++) {
        const spec = generate(memory, seed);
        const possible = interpret(spec, MOST_STATES);
        if (possible === null) continue;
        done++;
        const random = createRandom(seed);
        const questions = [askForOutcome(possible, random), askForContents(possible, random), askForTrouble(possible)];
        for (const question of questions) ask(spec, question, answers);
      }
      const { complaints, given, unfinished } = answers;
      expect(complaints.length, complaints.slice(0, 3).join('\n\n')).toBe(0);
      expect(unfinished).toBeLessThan(given / 20);
    });
  }
});

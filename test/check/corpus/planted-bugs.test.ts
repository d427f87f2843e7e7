/**
 * The corpus is itself tested: each bug that is planted here in the explorer must be found within some hundred random programs. All
 * are bugs that such explorers have had, ours among them.
 */
import { describe, expect, it } from 'vitest';
import type { Harness } from '../../../src/check/harness.ts';
import type { MemoryModel } from '../../../src/check/index.ts';
import { Dpor } from '../../../src/check/strategies/dpor.ts';
import { compareWithBruteForce, type MakeStrategy } from './explored.ts';
import { generate } from './generate.ts';

const MOST_PROGRAMS = 600;

/** What is private, and is spoilt here. */
interface Inside {
  explore(from: number, sequence: unknown): void;
  enter(...args: unknown[]): void;
  readonly sleepers: { thread: number }[][];
  readonly history: { append(...args: unknown[]): number };
  readonly reversals: { isDisturbed(race: unknown): boolean; reverseWaits(run: unknown): void };
}

function spoilt(spoil: (inside: Inside) => void): MakeStrategy {
  return (harness: Harness) => {
    const strategy = new Dpor(harness);
    spoil(strategy as unknown as Inside);
    return strategy;
  };
}

/** The first program whose exploration is not what brute force says, and what is said of it. */
function firstComplaint(
  makeStrategy: MakeStrategy | undefined,
  memory: MemoryModel,
  programs: number,
  from = 0,
): string | null {
  for (let seed = from; seed < from + programs; seed++) {
    const complaint = compareWithBruteForce(generate(memory, seed), makeStrategy);
    if (complaint !== null && complaint !== '') return complaint;
  }
  return null;
}

interface Planted {
  readonly bug: string;
  readonly makeStrategy: MakeStrategy;
  readonly about: RegExp;
  readonly memory?: MemoryModel;
  /** Where the programs begin: a rare bug shows in one of some thousand. */
  readonly from?: number;
}

const UNCERTAIN = 5;

const PLANTED: readonly Planted[] = [
  {
    bug: 'misses one backtrack point in five',
    makeStrategy: spoilt((inside) => {
      const { explore } = inside;
      let nth = 0;
      inside.explore = (from, sequence) => {
        if (++nth % 5 !== 0) explore.call(inside, from, sequence);
      };
    }),
    about: /missing/,
  },
  {
    bug: 'lets sleepers sleep on when something conflicts with them',
    makeStrategy: spoilt((inside) => {
      const { enter } = inside;
      inside.enter = (...args) => {
        enter.apply(inside, args);
        const depth = args[2] as number;
        const own = (args[1] as { thread: number }).thread;
        inside.sleepers[depth + 1] = inside.sleepers[depth]!.filter(({ thread }) => thread !== own);
      };
    }),
    about: /missing|blocked/,
  },
  {
    bug: 'forgets its sleepers',
    makeStrategy: spoilt((inside) => {
      const { enter } = inside;
      inside.enter = (...args) => {
        enter.apply(inside, args);
        inside.sleepers[(args[2] as number) + 1]!.length = 0;
      };
    }),
    about: /executions of/,
  },
  {
    bug: 'looks at each race once only',
    makeStrategy: spoilt((inside) => {
      inside.reversals.isDisturbed = () => false;
    }),
    about: /missing/,
    from: 2700,
  },
  {
    bug: 'believes that a step touches the same words in any order',
    makeStrategy: spoilt((inside) => {
      const { history } = inside;
      const append = history.append.bind(history);
      history.append = (...args) => {
        args[UNCERTAIN] = false;
        return append(...args);
      };
    }),
    about: /missing|executions of|blocked|throws/,
  },
  {
    bug: 'does not ask whether a wait could have been over earlier',
    makeStrategy: spoilt((inside) => {
      inside.reversals.reverseWaits = () => {};
    }),
    about: /missing/,
  },
  {
    bug: 'misses backtrack points under TSO',
    makeStrategy: spoilt((inside) => {
      const { explore } = inside;
      let nth = 0;
      inside.explore = (from, sequence) => {
        if (++nth % 7 !== 0) explore.call(inside, from, sequence);
      };
    }),
    about: /missing/,
    memory: 'tso',
  },
];

describe('an explorer', () => {
  for (const { bug, makeStrategy, about, memory, from } of PLANTED) {
    it(`that ${bug} is found out`, () => {
      expect(firstComplaint(makeStrategy, memory ?? 'sc', MOST_PROGRAMS, from)).toMatch(about);
    });
  }

  it('that has no bug passes the same programs', () => {
    expect(firstComplaint(undefined, 'sc', 60)).toBeNull();
    expect(firstComplaint(undefined, 'sc', 60, 2700)).toBeNull();
  });
});

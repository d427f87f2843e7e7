/** The verdict on a test, from what one exploration, or several of its parts, came to. */
import type { CheckTest, Verdict } from './program.ts';
import type { CheckResult, Limit, Violation } from './verdicts.ts';

export interface Explored {
  readonly executions: number;
  readonly blocked: number;
  readonly steps: number;
  /** What must be reached and was not. */
  readonly unreached: readonly string[];
  readonly violation: Violation | null;
  /** Why it is not all; null: it is. */
  readonly limit: Limit | null;
}

export function resultOf(test: CheckTest, explored: Explored): CheckResult {
  const { executions, blocked, steps, violation } = explored;
  const verdict = verdictOf(test, explored);
  return {
    name: test.name,
    design: test.design ?? null,
    expect: test.expect,
    verdict,
    property: propertyOf(verdict, explored),
    message: messageOf(test, verdict, explored),
    executions,
    blocked,
    steps,
    violation,
    limit: verdict === 'bounded' ? explored.limit : null,
  };
}

/** Parts of one exploration (partition.ts) as one. `stopped`: why there are not all parts, or not whole. */
export function combine(parts: readonly Explored[], stopped: Limit | null): Explored {
  const sum = (of: (part: Explored) => number) => parts.reduce((total, part) => total + of(part), 0);
  const [first] = parts;
  return {
    executions: sum(({ executions }) => executions),
    blocked: sum(({ blocked }) => blocked),
    steps: sum(({ steps }) => steps),
    unreached: (first?.unreached ?? []).filter((name) => parts.every(({ unreached }) => unreached.includes(name))),
    violation: parts.find(({ violation }) => violation !== null)?.violation ?? null,
    limit: stopped ?? parts.find(({ limit }) => limit !== null)?.limit ?? null,
  };
}

function verdictOf(test: CheckTest, { violation, limit, unreached }: Explored): Verdict {
  if (test.skip !== undefined) return 'skipped';
  if (violation !== null) return 'violated';
  if (limit !== null) return 'bounded';
  return unreached.length === 0 ? 'holds' : 'unreachable';
}

function propertyOf(verdict: Verdict, { violation, unreached }: Explored): string | null {
  if (verdict === 'violated') return violation!.property;
  return verdict === 'unreachable' ? unreached[0]! : null;
}

function messageOf(test: CheckTest, verdict: Verdict, { violation, limit, unreached }: Explored): string {
  switch (verdict) {
    case 'skipped':
      return test.skip!;
    case 'violated':
      return violation!.message;
    case 'bounded':
      return limit!.message;
    case 'unreachable':
      return `'${unreached[0]}' never happens in any execution: what the test says of it is vacuous`;
    case 'holds':
      return 'in every execution';
  }
}

import { describe, expect, it } from 'vitest';
import { replayCommand } from './check-command.ts';
import { estimateText, progressText } from './check-progress.ts';
import { about, rateText } from './check-report.ts';

describe('the progress of a check', () => {
  it('has executions, rate, share, total and time left', () => {
    const text = progressText({ executions: 12_345, steps: 100_000, done: 0.25 }, 2);
    expect(text).toBe('12,345 executions, 6 k/s, 25%, of about 49,000 executions, 6 s left');
  });

  it('does not guess before anything is known', () => {
    expect(progressText({ executions: 1, steps: 9, done: 0 }, 1)).toBe('1 execution, 1/s');
    expect(estimateText({ executions: 1, steps: 9, done: 0 }, 1)).toBeNull();
  });

  it('tells beforehand what will take long', () => {
    expect(estimateText({ executions: 50_000, steps: 1e6, done: 0.5 }, 1)).toBeNull();
    expect(estimateText({ executions: 50_000, steps: 1e6, done: 0.001 }, 1)).toMatch(
      /^about 50,000,000 executions, 16 min 39 s \(an estimate/,
    );
    expect(estimateText({ executions: 50_000, steps: 1e6, done: 1e-12 }, 1)).toMatch(/, centuries \(/);
  });
});

describe('numbers that are about right', () => {
  it('have two digits', () => {
    expect(about(7)).toBe('about 7 executions');
    expect(about(25_828)).toBe('about 26,000 executions');
    expect(about(1.234e30)).toBe('about 1.2e+30 executions');
    expect([999, 1000, 999_499, 999_500, 12_300_000].map(rateText)).toEqual(['999', '1 k', '999 k', '1.0 M', '12.3 M']);
  });
});

describe('the command that replays', () => {
  const test = { name: "it's", expect: 'holds' as const, program: () => ({ threads: [] }) };
  it('is quoted where a shell would read something else', () => {
    const found = { test, file: 'a b.ts', index: 0, label: "it's (a b.ts)", entry: null, leftOut: null };
    expect(replayCommand(found, '0:3.b1', 'tso')).toBe(
      "tablewalk check 'a b.ts' -t 'it'\\''s' --memory tso --schedule 0:3.b1",
    );
  });

  it('says which test is meant where a file has two of one name', () => {
    const found = { test, file: 'a.ts', index: 1, label: "it's (a.ts, 2)", entry: null, leftOut: null };
    expect(replayCommand(found, '0', undefined)).toContain("-t 'it'\\''s (a.ts, 2)'");
  });
});

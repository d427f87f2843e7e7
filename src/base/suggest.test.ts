import { describe, expect, it } from 'vitest';
import { closest, nearest } from './suggest.ts';

const names = ['never', 'covered-range', 'refcount-rwlock', 'mapcount-rwlock', 'per-table-lock', 'lazy-prune', 'all'];

describe('did you mean', () => {
  it('finds a slip of the fingers', () => {
    expect(nearest('lazyprune', names)).toBe('lazy-prune');
    expect(nearest('Never', names)).toBe('never');
    expect(nearest('refcont-rwlock', names)).toBe('refcount-rwlock');
    expect(nearest('mapcount', names)).toBe('mapcount-rwlock');
  });

  it('says nothing rather than something far', () => {
    expect(nearest('', names)).toBeNull();
    expect(nearest('frobnicate', names)).toBeNull();
    expect(nearest('x'.repeat(10_000), names)).toBeNull();
  });
});

describe('names that are close', () => {
  const tests = ['L01 freed at mmput', 'L02 stale MSR', 'free-in-mmput', 'L01 freed at mmput / fixed'];

  it('are those that are near, and those that have words in common', () => {
    expect(closest('free-in-mput', tests)[0]).toBe('free-in-mmput');
    expect(closest('L03', tests)).toEqual(['L02 stale MSR', 'L01 freed at mmput', 'L01 freed at mmput / fixed']);
    expect(closest('the stale one', tests)).toEqual(['L02 stale MSR']);
  });

  it('are none where nothing is close', () => {
    expect(closest('zzz', tests)).toEqual([]);
    expect(closest('', tests)).toEqual([]);
  });
});

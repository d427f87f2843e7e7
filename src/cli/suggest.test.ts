import { describe, expect, it } from 'vitest';
import { nearest } from './suggest.ts';

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

/**
 * Designs of table reclaim: each test comes to its stored verdict, in as many executions. `npm test` takes those that are quick, `npm run test:full`
 * all of them.
 */
import { describe, expect, it } from 'vitest';
import { check } from '../../src/check/index.ts';
import { TABLE_RECLAIM_FAMILY } from '../../src/designs/index.ts';
import { BASE, type Patch, patched } from '../../src/kernel/index.ts';
import { RECLAIM } from '../../src/lab/litmus/table-reclaim.ts';
import { comesToStored, FULL, secondsOf } from '../support/litmus.ts';

/** Seconds as stored. */
const BUDGET = 1.5;

/** The quickest of each scenario, then the others while there is time. */
function part(): typeof RECLAIM {
  if (FULL) return RECLAIM;
  const sorted = RECLAIM.toSorted((a, b) => secondsOf(a) - secondsOf(b));
  const seen = new Set<string>();
  let left = BUDGET;
  return sorted.filter((entry) => {
    left -= secondsOf(entry);
    const isFirst = !seen.has(entry.scenario);
    seen.add(entry.scenario);
    return isFirst || left > 0;
  });
}

describe('table reclaim', () => {
  const entries = part();

  it('of the part are all designs and scenarios', () => {
    expect(new Set(entries.map(({ design }) => design)).size).toBe(TABLE_RECLAIM_FAMILY.length);
    expect(new Set(entries.map(({ scenario }) => scenario)).size).toBe(
      new Set(RECLAIM.map((one) => one.scenario)).size,
    );
  });

  it('come to their stored verdicts', { timeout: FULL ? 3600_000 : 60_000 }, () => {
    for (const entry of entries) comesToStored(entry);
  });

  it.each([
    [
      'a range over two tables / refcount-rwlock',
      /^INV-12: the IOMMU reads frame \d+ as a table of the domain, and it is free/,
    ],
    [
      'last pages, mapped again / refcount-rwlock',
      /^INV-12: an entry of the domain leads to frame \d+ as a table, and it is free/,
    ],
    [
      'one page unmapped twice / per-table-lock',
      /^INV-12: table \d+ of the domain is freed with the live entry of page 1/,
    ],
    ['large page beside an unmap / refcount-rwlock', /^cpu0 waits in pgd_lock.readLock for cpu1.*a circle/],
    ['reference when a table is full / refcount-rwlock', /^the kernel has warned 1x/],
    ['emptied neighbours go / refcount-rwlock', /^tables of the domain are lost, neither linked nor freed: 1$/],
    ['emptied tables go / refcount-rwlock', /^the level 0 table of page 0 is kept though it is empty/],
  ])('fall by what they are about: %s', (name, message) => {
    const entry = RECLAIM.find((one) => one.name === `reclaim: ${name}`)!;
    expect(check(entry.test, { minimise: 0 }).violation?.message).toMatch(message);
  });

  it.each<[string, Patch, RegExp]>([
    [
      'last page of a table',
      { omit: ['iommu_flush_iotlb_psi'] },
      /^INV-5: the device reaches frame \d+ through page 0/,
    ],
    [
      'a neighbour asks where it leads',
      {
        replace: {
          *iommu_iova_to_phys() {
            return -1;
          },
        },
      },
      /^INV-12: page 1 .* the mapping is lost$/,
    ],
    [
      'two unmaps in one table',
      {
        replace: {
          *iommu_unmap() {
            return 0;
          },
        },
      },
      /^INV-12: iommu_unmap of page \d finds 0 of 1 pages/,
    ],
  ])('are looked at by observers that see: %s', (name, patch, message) => {
    const entry = RECLAIM.find((one) => one.name === `reclaim: ${name} / covered-range-generic`)!;
    expect(check(entry.testOn(patched(BASE, patch)), { minimise: 0 }).violation?.message).toMatch(message);
  });
});

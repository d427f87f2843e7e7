/** Recorded answers against the model: exact counts, and a wrong answer anywhere comes out. */
import { describe, expect, it } from 'vitest';
import {
  type Answer,
  answered,
  type Case,
  cases,
  expectUnnamed,
  find,
  flip,
  NAMES,
  type Name,
  runCase,
  type Step,
  whole,
} from '../../../test/support/golden.ts';
import { DEVIATION_TABLE } from './conformance.ts';

describe('the recorded files', () => {
  const counts: Readonly<Record<Name, unknown>> = {
    legacy: {
      cases: 376,
      steps: 1044,
      agree: 1017,
      deviations: {
        'cached-without-right': 10,
        'pass-through-of-any-width': 8,
        'all-ones-is-unreadable': 5,
        'superpage-beside-interrupt-range': 2,
        'context-reserved-despite-fpd': 1,
        'rights-at-each-level': 1,
      },
    },
    scalable: {
      cases: 157,
      steps: 479,
      agree: 346,
      deviations: {
        'legacy-codes-in-scalable-mode': 98,
        'pasid-present-without-pasid': 90,
        'cached-without-right': 12,
        'one-code-for-pasid-tables': 12,
        'directory-reserved-bits': 4,
        'superpage-beside-interrupt-range': 2,
        'leaf-bit-11-never-reserved': 1,
        'directory-size-unchecked': 1,
        'all-ones-is-unreadable': 1,
        'pasid-tables-despite-fpd': 1,
        'type-not-supported-is-second-stage': 1,
        'scalable-code-in-legacy-mode': 1,
      },
    },
    firststage: {
      cases: 157,
      steps: 553,
      agree: 393,
      deviations: {
        'pasid-present-without-pasid': 130,
        'legacy-codes-in-scalable-mode': 16,
        'rights-at-each-level': 5,
        'all-ones-is-unreadable': 4,
        'cached-without-right': 4,
        'directory-reserved-bits': 3,
        'superpage-beside-interrupt-range': 2,
        'type-before-present': 2,
        'pasid-entry-reserved-bits': 2,
        'one-flag-only': 1,
        'other-half-of-root-entry': 1,
        'pasid-table-access-despite-fpd': 1,
      },
    },
  };
  for (const name of NAMES) {
    it(`${name}: every difference has a name, and each as often as it is written here`, () => {
      const { agree, cases: of, deviations, disagree, steps } = whole.get(name)!;
      expect({ cases: of, steps, agree, deviations, disagree }).toEqual({ ...(counts[name] as object), disagree: [] });
    });
  }

  it('leave less than one answer in a hundred unsure', () => {
    for (const { steps, unsure } of whole.values()) expect(unsure / steps).toBeLessThan(0.01);
  });

  it('have every deviation of the table, and none that it has not', () => {
    const seen = new Set([...whole.values()].flatMap(({ deviations }) => Object.keys(deviations)));
    expect([...seen].sort()).toEqual(DEVIATION_TABLE.map(({ id }) => id).sort());
  });
});

/** Answers that are wrong whatever the unit: no deviation may explain one. */
function wrongAnswers({ op, qemu }: Step): readonly Answer[] {
  const is = qemu!;
  switch (op) {
    case 'dma':
      if (is['ok'] !== undefined) {
        return [{ ok: flip(is['ok'], 0x1000n) }, { ok: flip(is['ok'], 1n) }];
      }
      if (is['blocked'] === true) return [{ ok: '0x1f00000' }];
      return [
        { ...is, fault: 0xaa },
        { ...is, fsts: 3 },
        { ...is, sid: (is['sid'] as number) ^ 1 },
        { ...is, fi: flip(is['fi'], 0x1000n) },
        { ...is, type: 1 - (is['type'] as number) },
        ...(is['pp'] === 1 ? [{ ...is, pv: (is['pv'] as number) ^ 1 }] : []),
        { ok: '0x1f00000' },
      ];
    case 'qi':
      return [
        { ...is, wait: is['wait'] !== true },
        { ...is, head: (is['head'] as number) + 1 },
        { ...is, iqe: 1 - (is['iqe'] as number) },
      ];
    case 'reg':
      return [{ after: flip(is['after'], 1n) }, { after: flip(is['after'], 1n << 59n) }];
    default: {
      const values = is['values'] as string[];
      return [{ values: [flip(values[0], 0x200n), ...values.slice(1)] }, { values: values.map((v) => flip(v, 0x20n)) }];
    }
  }
}

describe('a planted bug', () => {
  for (const name of NAMES) {
    it(`${name}: in any answer of any case comes out without a name`, () => {
      let planted = 0;
      for (const line of cases.get(name)!) {
        const golden = JSON.parse(line) as Case;
        for (const [index, step] of golden.steps.entries()) {
          if (step.qemu === undefined) continue;
          const wrong = wrongAnswers(step);
          // A different one at each step: all of them at every step is what takes long.
          const answer = wrong[planted++ % wrong.length]!;
          const { disagree } = runCase(name, answered(golden, index, answer));
          if (disagree.at(-1)?.step !== index) expect({ id: golden.id, index, answer }).toBe('without a name');
        }
      }
      expect(planted).toBe(whole.get(name)!.steps);
    });
  }

  it('an access that is let through instead of refused, or refused instead of let through', () => {
    const [read, at] = find('legacy', ({ qemu }) => qemu!['fault'] === 6);
    expectUnnamed('legacy', answered(read, at, { ok: read.steps[at]!.addr! }));
    const [good, index] = find(
      'legacy',
      ({ qemu }, { kind }, i) => qemu!['ok'] !== undefined && kind === 'tree' && i === 0,
    );
    const { addr, rid, write } = good.steps[index]!;
    const fi = flip(addr, BigInt(addr!) & 0xfffn);
    for (const fault of [1, 2, 3, 4, 5, 6, 7, 8, 9, 0xa, 0xb, 0xc, 0xe, 0x87, 0x79]) {
      const answer = { fault, sid: rid, fi, type: write === true ? 0 : 1, pp: 0, pv: 0, fsts: 2 };
      expectUnnamed('legacy', answered(good, index, answer));
    }
  });

  it('one unnamed step does not hide the next', () => {
    const [golden] = find('legacy', (_, { kind }) => kind.startsWith('seq-remap'));
    const steps = golden.steps.map((step) =>
      step.op === 'dma' && step.qemu!['ok'] !== undefined ? { ...step, qemu: { ok: '0x1f00000' } } : step,
    );
    const { disagree } = runCase('legacy', { ...golden, steps });
    expect(disagree.length).toBeGreaterThan(1);
  });
});

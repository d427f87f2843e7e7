/** A deviation explains what it is about, and no other wrong answer. */
import { describe, expect, it } from 'vitest';
import {
  type Answer,
  answered,
  type Case,
  deviating,
  expectUnnamed,
  find,
  flip,
  headers,
  NAMES,
  type Name,
  runCase,
} from '../../../test/support/golden.ts';

describe('a deviation hides nothing else', () => {
  const fault = (golden: Case, index: number, code: number, more: Answer = {}): Answer => {
    const { addr, rid, write } = golden.steps[index]!;
    const fi = flip(addr, BigInt(addr!) & 0xfffn);
    return { fault: code, sid: rid, fi, type: write === true ? 0 : 1, pp: 0, pv: 0, fsts: 2, ...more };
  };
  const recorded = ([golden, index]: readonly [Case, number]) => golden.steps[index]!.qemu!;
  /** The header of another version of QEMU. */
  const header = (name: Name, version: string) =>
    headers.get(name)!.replace(/emulator version [\d.]+/, `emulator version ${version}`);
  const unnamedUnder = (name: Name, version: string, [golden, index]: readonly [Case, number]) => {
    const cut = { ...golden, steps: golden.steps.slice(0, index + 1) };
    return runCase(name, cut, header(name, version)).disagree.length;
  };

  it('cached-without-right: dropped at a first access, or after the invalidation, is unnamed', () => {
    for (const name of NAMES) {
      const [golden, index] = deviating(name, 'cached-without-right');
      expectUnnamed(name, { ...answered({ ...golden, steps: golden.steps.slice(index) }, 0, { blocked: true }) });
      const last = golden.steps.length - 1;
      expect(golden.steps[last]!.qemu!['ok']).toBeDefined();
      expectUnnamed(name, answered(golden, last, { blocked: true }));
    }
  });

  it('a translation that is cached is not excused by what its entries have become', () => {
    const [golden, index] = find(
      'legacy',
      ({ op, qemu, write }, { kind, steps }, i) =>
        kind.startsWith('seq-downgrade') &&
        op === 'dma' &&
        write === true &&
        qemu!['ok'] !== undefined &&
        steps[i - 1]?.op === 'mem',
    );
    expectUnnamed('legacy', answered(golden, index, fault(golden, index, 5)));
  });

  it('legacy-codes-in-scalable-mode: only the code of the same fault, and only in scalable mode', () => {
    const [golden, index] = find('scalable', ({ qemu }, { kind }) => qemu!['fault'] === 5 && kind === 'tree');
    const is = golden.steps[index]!.qemu!;
    for (const code of [1, 2, 3, 4, 6, 7, 0xc, 0xe])
      expectUnnamed('scalable', answered(golden, index, { ...is, fault: code }));
    const [legacy, at] = find('legacy', ({ qemu }, { kind }) => qemu!['fault'] === 5 && kind === 'tree');
    expectUnnamed('legacy', answered(legacy, at, { ...legacy.steps[at]!.qemu!, fault: 0x79 }));
  });

  it('one-code-for-pasid-tables: only in place of these codes, and only before 9.2', () => {
    const found = deviating('scalable', 'one-code-for-pasid-tables');
    const [ours] = runCase('scalable', answered(...found, { ...recorded(found), fault: 0xaa })).disagree;
    const right = (JSON.parse(ours!.ours) as { fault: number }).fault;
    for (const code of [0x50, 0x51, 0x52, 0x59, 0x5a, 0x5b].filter((other) => other !== right)) {
      expectUnnamed('scalable', answered(...found, { ...recorded(found), fault: code }));
    }
    expect(unnamedUnder('scalable', '10.0.2', found)).toBe(1);
    const [tree, at] = find('scalable', ({ qemu }, { kind }) => qemu!['fault'] === 5 && kind === 'tree');
    expectUnnamed('scalable', answered(tree, at, { ...tree.steps[at]!.qemu!, fault: 0x58 }));
  });

  it('pasid-present-without-pasid: with another value, in legacy mode, or of a table fault, is unnamed', () => {
    const found = deviating('firststage', 'pasid-present-without-pasid');
    expectUnnamed('firststage', answered(...found, { ...recorded(found), pv: 0xfff }));
    const [legacy, at] = find('legacy', ({ qemu }) => qemu!['fault'] === 5);
    expectUnnamed('legacy', answered(legacy, at, { ...legacy.steps[at]!.qemu!, pp: 1, pv: 0 }));
    const [table, index] = find('firststage', ({ qemu }) => qemu!['fault'] === 0x59);
    expectUnnamed('firststage', answered(table, index, { ...table.steps[index]!.qemu!, pp: 1, pv: 0 }));
  });

  it('all-ones-is-unreadable: a reserved bit less, or the code of another level, is unnamed', () => {
    const found = deviating('legacy', 'all-ones-is-unreadable');
    const code = recorded(found)['fault'];
    expectUnnamed('legacy', answered(...found, { ...recorded(found), fault: code === 7 ? 3 : 7 }));
    const text = JSON.stringify(answered(...found, recorded(found))).replaceAll(
      '0xffffffffffffffff',
      '0x7fffffffffffffff',
    );
    expectUnnamed('legacy', JSON.parse(text) as Case);
  });

  it('superpage-beside-interrupt-range: a 4 KiB page beside it, or a large page elsewhere, is unnamed', () => {
    for (const [name, code] of [
      ['legacy', 0xe],
      ['firststage', 0x87],
    ] as const) {
      const [golden, index] = find(
        name,
        ({ qemu, op }, { kind }, i) => op === 'dma' && qemu!['ok'] !== undefined && kind === 'tree' && i === 0,
      );
      expectUnnamed(name, answered(golden, index, fault(golden, index, code)));
    }
    const found = deviating('legacy', 'superpage-beside-interrupt-range');
    expectUnnamed('legacy', answered(...found, { ...recorded(found), fault: 0x87 }));
  });

  it('scalable-code-in-legacy-mode: not from a unit that has no scalable mode', () => {
    const [golden, index] = find(
      'legacy',
      ({ qemu }, { kind }) => qemu!['fault'] === 0xe && kind === 'out-int-range-4K',
    );
    expectUnnamed('legacy', answered(golden, index, { ...golden.steps[index]!.qemu!, fault: 0x87 }));
  });

  it('pass-through-of-any-width: a translated address beyond the width is unnamed, so is data that arrived elsewhere', () => {
    const [golden, index] = find('legacy', ({ qemu }, { kind }) => qemu!['fault'] === 4 && kind.startsWith('beyond-'));
    expectUnnamed('legacy', answered(golden, index, { blocked: true }));
    const found = deviating('legacy', 'pass-through-of-any-width');
    expectUnnamed('legacy', answered(...found, { ok: '0x1f00000' }));
  });

  it('rights-at-each-level: the code of the other right, or a refusal that no entry gives, is unnamed', () => {
    const found = deviating('legacy', 'rights-at-each-level');
    const code = recorded(found)['fault'];
    expectUnnamed('legacy', answered(...found, { ...recorded(found), fault: code === 5 ? 6 : 5 }));
    const [golden, index] = find('legacy', ({ qemu }, { kind }) => qemu!['fault'] === 0xc && kind.startsWith('rsvd-'));
    const answer = { ...golden.steps[index]!.qemu!, fault: golden.steps[index]!.write === true ? 5 : 6 };
    expectUnnamed('legacy', answered(golden, index, answer));
  });

  it('rights-at-each-level: flags that are missing above the entry that refused are unnamed', () => {
    const [golden, index] = deviating('firststage', 'rights-at-each-level');
    const { values } = golden.steps[index]!.qemu as { values: string[] };
    const first = BigInt(values[0]!);
    if ((first & 0x20n) === 0n) throw new Error('the top entry has no A');
    expectUnnamed('firststage', answered(golden, index, { values: [flip(values[0], 0x20n), ...values.slice(1)] }));
  });

  it('context-reserved-despite-fpd: another code, or another fault of an entry with FPD, is unnamed', () => {
    const found = deviating('legacy', 'context-reserved-despite-fpd');
    expectUnnamed('legacy', answered(...found, { ...recorded(found), fault: 3 }));
    const [golden, index] = find('legacy', ({ qemu }, { kind }) => qemu!['blocked'] === true && kind === 'ctx-np-fpd');
    expectUnnamed('legacy', answered(golden, index, fault(golden, index, 2)));
  });

  it('pasid-tables-despite-fpd and pasid-table-access-despite-fpd: another fault behind FPD is unnamed', () => {
    const [golden, index] = find(
      'firststage',
      ({ qemu }, { kind }) => qemu!['blocked'] === true && kind.startsWith('pdir-fpd+np-'),
    );
    for (const code of [0x50, 0x58, 0x59, 0x5a, 0x5b, 0x71, 0x72]) {
      expectUnnamed('firststage', answered(golden, index, fault(golden, index, code)));
    }
    const found = deviating('firststage', 'pasid-table-access-despite-fpd');
    const other = recorded(found)['fault'] === 0x50 ? 0x58 : 0x50;
    expectUnnamed('firststage', answered(...found, { ...recorded(found), fault: other }));
    const old = deviating('scalable', 'pasid-tables-despite-fpd', 'one-code-for-pasid-tables');
    expectUnnamed('scalable', answered(...old, { ...recorded(old), fault: 0x5b }));
  });

  it('entries with reserved bits that are not looked at must lead to where the answer says', () => {
    for (const [name, id] of [
      ['firststage', 'pasid-entry-reserved-bits'],
      ['firststage', 'directory-reserved-bits'],
      ['scalable', 'directory-size-unchecked'],
      ['scalable', 'type-not-supported-is-second-stage'],
      ['scalable', 'leaf-bit-11-never-reserved'],
    ] as const) {
      const found = deviating(name, id);
      const is = recorded(found);
      const wrong = is['ok'] === undefined ? { ...is, fault: 0x5c } : { ok: flip(is['ok'], 0x1000n) };
      expectUnnamed(name, answered(...found, wrong));
      if (is['ok'] !== undefined) expectUnnamed(name, answered(...found, { blocked: true }));
    }
  });

  it('of one version of QEMU: not of another', () => {
    expect(unnamedUnder('scalable', '10.0.2', deviating('scalable', 'type-not-supported-is-second-stage'))).toBe(1);
    expect(unnamedUnder('firststage', '7.2.22', deviating('firststage', 'type-before-present'))).toBe(1);
  });

  it('other-half-of-root-entry: only where that half has reserved bits', () => {
    const [golden, index] = find(
      'scalable',
      ({ qemu }, { kind }, i) => qemu!['ok'] !== undefined && kind === 'tree' && i === 0,
    );
    expectUnnamed('scalable', answered(golden, index, fault(golden, index, 0xa)));
    expectUnnamed('scalable', answered(golden, index, fault(golden, index, 0x3a)));
  });

  it('one-flag-only: a flag missing where both were clear, or in a table, is unnamed', () => {
    const [golden, index] = find(
      'firststage',
      ({ op, qemu }, { kind, steps }, i) =>
        op === 'peek' &&
        kind === 'ok' &&
        steps[i - 1]?.write === true &&
        steps[i - 1]?.qemu?.['ok'] !== undefined &&
        qemu!['values'] !== undefined,
    );
    const { values } = golden.steps[index]!.qemu as { values: string[] };
    const leaf = values.length - 1;
    for (const bits of [0x20n, 0x40n]) {
      expectUnnamed(
        'firststage',
        answered(golden, index, { values: values.map((v, i) => (i === leaf ? flip(v, bits) : v)) }),
      );
    }
    expectUnnamed('firststage', answered(golden, index, { values: [flip(values[0], 0x20n), ...values.slice(1)] }));
  });
});

import { describe, expect, it } from 'vitest';
import { DESIGNS } from '../../src/designs/index.ts';
import { CPU_STATES, REASONS, WISHES } from '../../src/hw/index.ts';
import { INVARIANTS } from '../../src/kernel/index.ts';
import { explainSchema } from '../schema/explain.ts';
import { lines, tablewalk } from './tablewalk.ts';

async function explain(...args: readonly string[]) {
  return await tablewalk(['explain', ...args]);
}

async function explanation(...args: readonly string[]) {
  const { stdout } = await explain(...args, '--json');
  expect(lines(stdout)).toHaveLength(1);
  return explainSchema.parse(JSON.parse(stdout)).explanation;
}

describe('explain', () => {
  it('lists without an argument what can be explained, and explains each of these within 100 columns', async () => {
    const listed = await explanation();
    const names = listed.kind === 'topics' ? listed.topics.flatMap((topic) => topic.names) : [];
    expect(names).toEqual(
      expect.arrayContaining(['cpu-states', 'INV-1', '0x71', 'lazy-prune', ...DESIGNS.map(({ name }) => name)]),
    );
    const { stdout } = await explain();
    for (const name of names) expect(stdout).toContain(name);
    for (const name of [undefined, 'cpu-states', 'INV-1', '0x71', 'free-in-mmput', 'lazy-prune']) {
      const shown = await explain(...(name === undefined ? [] : [name]));
      expect({ code: shown.code, stderr: shown.stderr }).toEqual({ code: 0, stderr: '' });
      expect(lines(shown.stdout).filter((line) => line.length > 100)).toEqual([]);
    }
  });

  it('prints the table of CPU states, all of it, and the design for each wish', async () => {
    const { stdout } = await explain('cpu-states');
    const text = stdout.replace(/\s+/g, ' ');
    for (const { name, register, remark, kernelUse, signal } of CPU_STATES) {
      for (const part of [name, register, remark, kernelUse ?? '', signal?.exception ?? '', signal?.sharedWith ?? '']) {
        expect(text).toContain(part);
      }
    }
    for (const { wish, design } of WISHES) expect(text).toContain(`${design} ${wish}`);
  });

  it('tells what a design changes, and its stored verdicts', async () => {
    expect(await explanation('free-in-mmput')).toMatchObject({
      kind: 'design',
      family: 'pasid-lifetime',
      replaces: ['__mmput', '__mmdrop'],
      verdicts: expect.arrayContaining([expect.objectContaining({ design: 'as it was', beside: null })]),
    });
    expect((await explain('free-in-mmput')).stdout).toMatch(/^L01 freed at mmput +as it was +violated +\d/m);
  });

  it('knows invariants and fault reasons, by code and by name, in capitals or not', async () => {
    expect(await explanation('inv-1')).toEqual({ kind: 'invariant', ...INVARIANTS[0] });
    const reason = { kind: 'fault-reason', code: '0x05', name: 'L_WRITE', text: REASONS.L_WRITE.text };
    for (const what of ['0x05', '0x5', 'L_WRITE', 'l_write']) expect(await explanation(what)).toMatchObject(reason);
  });

  const unknown: readonly (readonly [what: string, says: RegExp])[] = [
    ['nonsense', /^tablewalk: nothing is known of 'nonsense' \(tablewalk explain lists what can be explained\)$/],
    ['cpustates', /did you mean 'cpu-states'/],
    ['free-in-mput', /did you mean 'free-in-mmput'/],
    ['INV-77', /did you mean 'INV-7'/],
    ['0xff', /nothing is known of '0xff'/],
  ];
  for (const [what, says] of unknown) {
    it(`${what}: one line, exit 2`, async () => {
      const { code, stdout, stderr } = await explain(what);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(lines(stderr)).toEqual([expect.stringMatching(says)]);
    });
  }
});

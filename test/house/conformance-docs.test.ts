/** docs/conformance.md has the deviations that there are, in the words of the program, and an example that runs. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createConformance, DEVIATION_TABLE } from '../../src/lab/index.ts';

const TEXT = readFileSync(resolve(import.meta.dirname, '../../docs/conformance.md'), 'utf8');

describe('docs/conformance.md', () => {
  it('lists exactly the deviations of the table, with who is right and the rule', () => {
    const rows = [...TEXT.matchAll(/^\| `([a-z0-9-]+)` \| (ours|qemu|unsure) \| (.*?) \| (.*?) \|/gm)];
    const listed = rows.map(([, id, right, rule, why]) => ({ id, right, rule, why }));
    expect(listed).toEqual(DEVIATION_TABLE.map(({ id, right, rule, why }) => ({ id, right, rule, why })));
  });

  it('shows a golden file that runs, and agrees', () => {
    const example = /```jsonl\n([\s\S]*?)```/.exec(TEXT)?.[1] ?? '';
    const conformance = createConformance('example');
    expect(conformance.push(new TextEncoder().encode(example)).ok).toBe(true);
    const done = conformance.end();
    expect(done).toMatchObject({ ok: true, value: { cases: 1, steps: 1, agree: 1, disagree: [] } });
  });

  it('names every operation of a step, and every key of an answer', () => {
    for (const name of ['dma', 'mem', 'qi', 'reg', 'peek']) expect(TEXT).toContain(`| \`${name}\` |`);
    for (const key of ['fault', 'sid', 'fi', 'type', 'pp', 'pv', 'fsts', 'wait', 'head', 'iqe', 'after', 'values']) {
      expect(TEXT).toContain(`\`${key}\``);
    }
  });
});

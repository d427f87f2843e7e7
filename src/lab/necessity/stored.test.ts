import { describe, expect, it } from 'vitest';
import { LITMUS } from '../litmus/index.ts';
import { NECESSITIES } from './necessities.ts';
import { necessityCell, printNecessity, readNecessities, storedNecessity, takenApartAs } from './stored.ts';

const SITE = { kind: 'flush', file: 'src/a.ts', line: 1, function: 'f', text: 'g()' } as const;

describe('stored necessities', () => {
  it('are of designs and tests that there are', () => {
    const designs = new Set(LITMUS.map(takenApartAs));
    const tests = new Set(LITMUS.map(({ name }) => name));
    for (const [design, { counts, steps, vacuous }] of readNecessities(NECESSITIES)) {
      expect(designs).toContain(design);
      expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(steps);
      for (const name of vacuous) expect(tests).toContain(name);
    }
  });

  it('read as they were printed', () => {
    const line = printNecessity({
      design: 'd',
      steps: [
        { site: SITE, need: 'needed', fall: null, tests: 1 },
        { site: SITE, need: 'by nothing', fall: null, tests: 1 },
      ],
      notRun: 0,
      isWhole: true,
      tests: [
        { name: 'says nothing / d', verdict: 'holds', executions: 1, steps: 2, fallsWithout: null },
        { name: 'says something / d', verdict: 'holds', executions: 1, steps: 2, fallsWithout: SITE },
      ],
      leftOut: [],
    });
    expect(line).toBe('d | 2 1 0 0 1 0 0 | says nothing / d');
    expect(readNecessities([line]).get('d')).toMatchObject({
      steps: 2,
      counts: { needed: 1 },
      vacuous: ['says nothing / d'],
    });
    expect(() => readNecessities(['d | 2 1'])).toThrow("necessities.ts: 'd | 2 1' is no design");
  });

  it('are told beside a test', () => {
    const found = storedNecessity('deferred-free')!;
    const entry = { design: 'deferred-free', family: 'kernel-tables', name: 'kernel half: PTE table / deferred-free' };
    expect(necessityCell(entry)).toBe(`${found.counts.needed} of ${found.steps} steps needed`);
    expect(necessityCell({ ...entry, design: 'nobody took it apart' })).toBe('');
  });
});

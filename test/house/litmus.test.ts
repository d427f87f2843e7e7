/** What tools keep beside the litmus tests is up to date: lines of code, verdicts; and the invariants are those that the observer looks at. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DESIGNS } from '../../src/designs/index.ts';
import { BASE, INVARIANTS } from '../../src/kernel/index.ts';
import { LITMUS } from '../../src/lab/litmus/index.ts';
import { DESIGN_LINES } from '../../src/lab/litmus/lines.ts';
import { printStored, readStored, storedVerdict } from '../../src/lab/litmus/stored.ts';
import { VERDICTS } from '../../src/lab/litmus/verdicts.ts';

const ROOT = new URL('../..', import.meta.url).pathname;

interface LinesTool {
  linesText(root: string): string;
  codeLines(source: string, name: string): number;
}

interface VerdictsTool {
  verdictsText(lines: readonly string[]): string;
}

const tools = (name: string) => import(new URL(`../../tools/${name}`, import.meta.url).href);
const { codeLines, linesText } = (await tools('lines.mjs')) as LinesTool;
const { verdictsText } = (await tools('verdicts.mjs')) as VerdictsTool;
const source = (name: string) => readFileSync(new URL(`../../src/${name}`, import.meta.url), 'utf8');

describe('lines of code', () => {
  it('are what tools/lines.mjs counts today: run npm run lines', () => {
    expect(source('lab/litmus/lines.ts')).toBe(linesText(ROOT));
  });

  it('are known of each design', () => {
    expect(DESIGNS.filter(({ name }) => DESIGN_LINES[name] === undefined).map(({ name }) => name)).toEqual([]);
  });

  it('are those with more than comments and blanks', () => {
    expect(codeLines('/** a\n\n b */\nconst a = 1; // c\n\n// d\nconst b = `x\n// no comment\n`;\n', 'x.ts')).toBe(4);
  });
});

describe('stored verdicts', () => {
  it('are of tests that there are, and of all of them: run npm run verdicts', () => {
    const names = LITMUS.map(({ name }) => name);
    expect([...readStored(VERDICTS).keys()].sort()).toEqual(names.sort());
  });

  it('are what the tests expect', () => {
    const others = LITMUS.filter(({ name, test }) => storedVerdict(name)?.verdict !== test.expect);
    expect(others.map(({ name }) => name)).toEqual([]);
  });

  it('stand as the tool writes them', () => {
    expect(source('lab/litmus/verdicts.ts')).toBe(verdictsText(printStored(LITMUS, readStored(VERDICTS))));
  });

  it('are of tests whose names are all different', () => {
    expect(new Set(LITMUS.map(({ name }) => name)).size).toBe(LITMUS.length);
  });
});

describe('invariants', () => {
  const files = ['kernel/observer.ts', 'kernel/iommu/intel-observer.ts', 'kernel/iommu/domain-observer.ts'];
  const observer = files.map(source).join('\n');
  const observed = new Map(
    observer
      .split('export function ')
      .slice(1)
      .map((text) => [text.split('(')[0]!, new Set(text.match(/`(INV-\d+):/g)?.map((id) => id.slice(1, -1)))]),
  );

  it('name the functions of the observer whose messages begin with them, and no others', () => {
    const said = INVARIANTS.flatMap(({ id, by }) => by.map((name) => `${id} ${name}`)).sort();
    expect(said).toEqual([...observed].flatMap(([name, ids]) => [...ids].map((id) => `${id} ${name}`)).sort());
    expect(INVARIANTS.flatMap(({ by }) => by).filter((name) => BASE[name] === undefined)).toEqual([]);
  });

  it('are numbered from 1', () => {
    expect(INVARIANTS.map(({ id }) => id)).toEqual(INVARIANTS.map((_, i) => `INV-${i + 1}`));
  });
});

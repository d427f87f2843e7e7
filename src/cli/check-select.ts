/** Which tests a command line asks for: those of files, and built-in ones by name. */
import { existsSync } from 'node:fs';
import { nearest } from '../base/suggest.ts';
import type { CheckTest } from '../check/index.ts';
import type { MatrixEntry } from '../lab/litmus/scenario.ts';
import { loadTestFile } from '../node/test-files.ts';
import { BadInput } from './exit.ts';

/** A test and where it comes from. */
export interface FoundTest {
  readonly test: CheckTest;
  /** As given on the command line; null for a built-in test. */
  readonly file: string | null;
  /** Which one of those that loadTestFile gives for `file`, or of the built-in ones: enough to find it again in another thread. */
  readonly index: number;
  /** Its name; with the file where another test of the run has the same. */
  readonly label: string;
  /** What is known of a built-in test; null for one of a file. */
  readonly entry: MatrixEntry | null;
  /** Why it is left out this time, in spite of what it expects; null: it is run. */
  readonly leftOut: string | null;
}

/** All tests that `names` ask for, files or built-in ones, each once. @throws BadInput, also when `signal` ends it. */
export async function findTests(
  names: readonly string[],
  withSlow: boolean,
  signal: AbortSignal,
): Promise<readonly FoundTest[]> {
  const found: FoundTest[] = [];
  for (const name of names) found.push(...(await testsCalled(name, withSlow, signal)));
  const seen = new Set<CheckTest>();
  const once = found.filter(({ test, entry }) => {
    const own = entry?.test ?? test;
    return !seen.has(own) && seen.add(own);
  });
  return labelled(once);
}

async function testsCalled(name: string, withSlow: boolean, signal: AbortSignal): Promise<readonly FoundTest[]> {
  if (!existsSync(name) && !/\.[cm]?[jt]s$/.test(name)) {
    // Loaded when it is needed: tests of a user's own need no kernel.
    const { builtInCalled } = await import('./check-built-in.ts');
    const tests = builtInCalled(name, withSlow);
    if (tests !== null) return tests;
  }
  const loaded = await loadTestFile(name, signal);
  if (!loaded.ok) throw new BadInput(loaded.error);
  return loaded.value.map((test, index) => ({ test, file: name, index, label: test.name, entry: null, leftOut: null }));
}

/** Where a test stands, for messages. */
export function placeOfTest({ file, test }: FoundTest): string {
  return file === null ? `built-in test '${test.name}'` : `${file}: test '${test.name}'`;
}

function labelled(found: readonly FoundTest[]): readonly FoundTest[] {
  if (found.every(({ file }) => file === null)) return found;
  const count = (key: string, keys: readonly string[]): number => keys.filter((other) => other === key).length;
  const names = found.map(({ test }) => test.name);
  const withFiles = found.map(({ test, file }) => `${test.name} (${file ?? 'built in'})`);
  return found.map((one, i) => {
    const own = withFiles[i]!;
    if (count(one.test.name, names) === 1) return { ...one, label: one.test.name };
    if (count(own, withFiles) === 1) return { ...one, label: own };
    const nth = count(own, withFiles.slice(0, i + 1));
    return { ...one, label: `${one.test.name} (${one.file ?? 'built in'}, ${nth})` };
  });
}

/** Tests of that name, or, when there are none, those whose name has it in it. @throws BadInput when there are none either. */
export function selectTests(found: readonly FoundTest[], name: string | undefined): readonly FoundTest[] {
  if (name === undefined) return found;
  const exact = found.filter(({ test, label }) => test.name === name || label === name);
  if (exact.length > 0) return exact;
  const similar = found.filter(({ test }) => name !== '' && test.name.includes(name));
  if (similar.length > 0) return similar;
  const names = [...new Set(found.map(({ test }) => test.name))];
  const near = nearest(name, names);
  const hint = near === null ? thereAre(names) : `did you mean '${near}'? ${thereAre(names)}`;
  throw new BadInput({ code: 'unknown-test', place: '-t', message: `no test has '${name}' in its name`, hint });
}

const SHOWN = 6;

/** A few of the names that there are: who mistypes one of a thousand is not helped by the others. */
export function thereAre(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN).map((name) => `'${name}'`);
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  return `there ${names.length === 1 ? 'is' : 'are'} ${shown.join(', ')}${more}`;
}

/** Which tests a command line asks for. */
import type { InputError } from '../base/result.ts';
import type { CheckTest } from '../check/index.ts';
import { loadTestFile } from '../node/test-files.ts';
import { BadInput } from './exit.ts';
import { nearest } from './suggest.ts';

/** A test and where it comes from. */
export interface FoundTest {
  readonly test: CheckTest;
  /** As given on the command line. */
  readonly file: string;
  /** Which one of those that loadTestFile gives for `file`: enough to find it again in another thread. */
  readonly index: number;
  /** Its name; with the file where another test of the run has the same. */
  readonly label: string;
}

/** All tests of `files`, each once. @throws BadInput, also when `signal` ends it. */
export async function findTests(files: readonly string[], signal: AbortSignal): Promise<readonly FoundTest[]> {
  const found: Omit<FoundTest, 'label'>[] = [];
  const seen = new Set<CheckTest>();
  for (const file of files) {
    const loaded = await loadTestFile(file, signal);
    if (!loaded.ok) throw new BadInput(isBareName(file, loaded.error.code) ? unknownName(file) : loaded.error);
    for (const [index, test] of loaded.value.entries()) {
      if (!seen.has(test)) found.push({ test, file, index });
      seen.add(test);
    }
  }
  return labelled(found);
}

/** What was meant as the name of a built-in test, most likely. */
function isBareName(argument: string, code: string): boolean {
  return code === 'enoent' && !/[/\\]|\.[cm]?[jt]s$/.test(argument);
}

function unknownName(name: string): InputError {
  return {
    code: 'unknown-test',
    message: `'${name}' is neither a file nor a built-in test`,
    hint: 'no tests are built in yet: name a file of your own, such as my-test.ts',
  };
}

function labelled(found: readonly Omit<FoundTest, 'label'>[]): readonly FoundTest[] {
  const count = (key: string, keys: readonly string[]): number => keys.filter((other) => other === key).length;
  const names = found.map(({ test }) => test.name);
  const withFiles = found.map(({ test, file }) => `${test.name} (${file})`);
  return found.map((one, i) => {
    const own = withFiles[i]!;
    if (count(one.test.name, names) === 1) return { ...one, label: one.test.name };
    if (count(own, withFiles) === 1) return { ...one, label: own };
    const nth = count(own, withFiles.slice(0, i + 1));
    return { ...one, label: `${one.test.name} (${one.file}, ${nth})` };
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
  const known = `there ${names.length === 1 ? 'is' : 'are'} ${names.map((one) => `'${one}'`).join(', ')}`;
  const hint = near === null ? known : `did you mean '${near}'? ${known}`;
  throw new BadInput({ code: 'unknown-test', place: '-t', message: `no test has '${name}' in its name`, hint });
}

/**
 * Test files of users: a TypeScript or JavaScript module anywhere on the disk, compiled as it is loaded (jiti). What it imports
 * from 'tablewalk/…' are the modules of this program, the same instances: what its defineTest makes, our isTest knows.
 *
 * Types are not checked. Lines keep their numbers, so that places in errors are the author's own. No cache is written.
 */
import { statSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import type { Jiti } from 'jiti';
import { err, type InputError, ok, type Result } from '../base/result.ts';
import { type CheckTest, defineTest, isTest, TestMistake } from '../check/index.ts';
import { readError } from './file-errors.ts';
import { LoadStopped, loadError } from './test-file-errors.ts';

/** What a test file may import from us: the subpath exports of package.json. */
export const SUBPATHS: Readonly<Record<string, () => Promise<object>>> = {
  'tablewalk/base': () => import('../base/index.ts'),
  'tablewalk/check': () => import('../check/index.ts'),
  'tablewalk/hw': () => import('../hw/index.ts'),
  'tablewalk/designs': () => import('../designs/index.ts'),
  'tablewalk/sim': () => import('../sim/index.ts'),
  'tablewalk/trace': () => import('../trace/index.ts'),
  'tablewalk/lab': () => import('../lab/index.ts'),
  'tablewalk/litmus': () => import('../lab/litmus/public.ts'),
};

const EXTENSIONS = ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'];
/** A module that only defines tests is done long before; one that waits for something is told. */
const LOAD_MS = 10_000;

/** The tests that a file exports, in the order in which they were defined. */
export async function loadTestFile(path: string, signal?: AbortSignal): Promise<Result<readonly CheckTest[]>> {
  const problem = checkFile(path);
  if (problem !== null) return err(problem);
  try {
    const values = exportedValues(await load(resolve(path), signal));
    const tests = [...new Set(values.filter(isTest))].sort((a, b) => placeOf(a) - placeOf(b));
    return tests.length > 0 ? ok(tests) : err(noTests(path, values));
  } catch (error) {
    return err(loadError(error, path));
  }
}

function checkFile(place: string): InputError | null {
  try {
    if (statSync(place).isDirectory()) {
      return { code: 'eisdir', place, message: 'this is a directory, not a file', hint: 'name the test files in it' };
    }
  } catch (error) {
    return readError(error, place);
  }
  if (EXTENSIONS.includes(extname(place))) return null;
  const hint = `test files end in ${EXTENSIONS.join(', ')}`;
  return { code: 'not-a-module', place, message: 'this is no TypeScript or JavaScript file', hint };
}

async function load(path: string, signal: AbortSignal | undefined): Promise<unknown> {
  loader ??= makeLoader();
  const jiti = await loader;
  let timer: NodeJS.Timeout | undefined;
  const stopped = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LoadStopped('late')), LOAD_MS);
    signal?.addEventListener('abort', () => reject(new LoadStopped('interrupted')), { once: true });
  });
  try {
    return await Promise.race([jiti.import(path), stopped]);
  } finally {
    clearTimeout(timer);
  }
}

let loader: Promise<Jiti> | null = null;

async function makeLoader(): Promise<Jiti> {
  const { createJiti } = await import('jiti');
  const loaded = Object.entries(SUBPATHS).map(async ([name, subpath]) => [name, asImported(name, await subpath())]);
  const virtualModules: Record<string, unknown> = Object.fromEntries(await Promise.all(loaded));
  // Without interop a module is a plain object: a proxy in its place would slow down each step of a test.
  return createJiti(import.meta.url, { fsCache: false, interopDefault: false, sourceMaps: false, virtualModules });
}

/** A module of ours as test files see it: tests are numbered as they are defined, and a name that it has not is no silent undefined. */
function asImported(name: string, exports: object): object {
  const missing = new Proxy({}, { get: (_, key) => refuseMissing(name, key) });
  const seen = Object.assign(Object.create(missing) as object, exports, { __esModule: true });
  return name === 'tablewalk/check' ? Object.assign(seen, { defineTest: defineNumbered }) : seen;
}

/** What modules are asked for without anybody having written it. */
const TOLERATED = ['then', 'default', 'toJSON'];

function refuseMissing(name: string, key: string | symbol): undefined {
  if (typeof key === 'symbol' || TOLERATED.includes(key) || key in Object.prototype) return undefined;
  throw new TestMistake(`'${name}' exports no '${key}': check the names in the import`);
}

const numbers = new WeakMap<CheckTest, number>();
let defined = 0;

function defineNumbered(test: CheckTest): CheckTest {
  const made = defineTest(test);
  if (!numbers.has(made)) numbers.set(made, ++defined);
  return made;
}

function placeOf(test: CheckTest): number {
  return numbers.get(test) ?? Number.POSITIVE_INFINITY;
}

/** All that a module exports, arrays taken apart. */
function exportedValues(module: unknown): readonly unknown[] {
  if (typeof module !== 'object' || module === null) return [module];
  return [module, ...Object.values(module)].flat(3);
}

function noTests(place: string, values: readonly unknown[]): InputError {
  const lookalike = values.some((value) => typeof value === 'object' && value !== null && 'program' in value);
  if (lookalike) {
    const message = 'what this file exports looks like a test, but was not made by defineTest of this tablewalk';
    return { code: 'no-tests', place, message, hint: "import { defineTest } from 'tablewalk/check'" };
  }
  const hint = 'export what defineTest returns: export const test = defineTest({ … })';
  return { code: 'no-tests', place, message: 'this file exports no tests', hint };
}

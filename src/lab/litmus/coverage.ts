/**
 * Which functions of the kernel the litmus tests come to: each test of a matrix is run by random schedules on a kernel whose functions
 * note that they were entered. A function that no test enters is one that a change can break unseen.
 *
 * Only BASE's own functions count, not what a design has put in their place. A violation ends an execution, not the look at its test.
 */
import { assert } from '../../base/index.ts';
import { check } from '../../check/index.ts';
import { BASE, type KernelFunctions } from '../../kernel/index.ts';
import type { MatrixEntry } from './scenario.ts';

export interface KernelCoverage {
  /** Names of functions, in BASE's order, with the first test that entered each. */
  readonly entered: ReadonlyMap<string, string>;
  /** Names of those that no test entered. */
  readonly never: readonly string[];
  readonly executions: number;
}

/** Executions of each test. */
const EXECUTIONS = 200;

/** What a model of the kernel has of its own, and the kernel has not: observers, and questions to the model. */
const NO_FUNCTION_OF_THE_KERNEL = /^observe_|^current$|^switches$/;

/** Functions of the kernel's own: what coverage is counted of. */
export const COUNTED: readonly string[] = Object.keys(BASE).filter((name) => !NO_FUNCTION_OF_THE_KERNEL.test(name));

/** `executions`: of each test, at least. */
export function kernelCoverage(matrix: readonly MatrixEntry[], executions = EXECUTIONS): KernelCoverage {
  const by = new Map<string, string>();
  let under = '';
  const base = watchedTable(BASE, (name) => {
    if (!by.has(name)) by.set(name, under);
  });
  let looked = 0;
  for (const entry of matrix) {
    under = entry.name;
    looked += explore(entry, base, executions);
  }
  const entered = COUNTED.filter((name) => by.has(name)).map((name) => [name, by.get(name)!] as const);
  return { entered: new Map(entered), never: COUNTED.filter((name) => !by.has(name)), executions: looked };
}

/** Goes on with another seed where a violation ends the run. */
function explore(entry: MatrixEntry, base: KernelFunctions, executions: number): number {
  if (entry.test.skip !== undefined) return 0;
  const test = entry.testOn(base);
  let looked = 0;
  for (let seed = 1; looked < executions; seed++) {
    const { executions: more } = check(test, { strategy: 'random', runs: executions - looked, seed, minimise: 0 });
    assert(more > 0, `${entry.name} came to no execution: it cannot be looked at`);
    looked += more;
  }
  return looked;
}

type AnyFunction = (this: unknown, ...args: never[]) => unknown;

/** The table with functions that say their names when they are called. */
function watchedTable(table: KernelFunctions, watch: (name: string) => void): KernelFunctions {
  const watched: Record<string, AnyFunction> = {};
  for (const [name, inner] of Object.entries(table) as [string, AnyFunction][]) {
    watched[name] = function (...args: never[]) {
      watch(name);
      return inner.apply(this, args);
    };
  }
  return watched as unknown as KernelFunctions;
}

/** Lines of text: what is never entered, or with `all` also who enters what. */
export function coverageText({ entered, executions, never }: KernelCoverage, all = false): readonly string[] {
  const lines = all ? [...entered].map(([name, test]) => `${name}: ${test}`) : [];
  lines.push(`${entered.size} of ${COUNTED.length} functions of the kernel are entered, in ${executions} executions`);
  return [...lines, ...never.map((name) => `never entered: ${name}`)];
}

/**
 * What a litmus file exports. A `Scenario` is a program for any kernel: it is run with each design of its families, alone or in pairs. A
 * `Litmus` is a bug of the catalogue: the kernel as it was, the fix, a wrong fix, each with the verdict that is expected.
 */
import { TestMistake, type World } from '../../base/index.ts';
import { type CheckTest, defineTest, type Program, type Verdict } from '../../check/index.ts';
import type { KernelDesign } from '../../designs/index.ts';
import { BASE, type KernelFunctions, type Patch } from '../../kernel/index.ts';
import { type Build, buildOn } from './machine.ts';

export interface Scenario {
  readonly name: string;
  /** Where it comes from: a thread, a commit, an entry of the catalogue. */
  readonly source: string;
  /** One sentence: what happens. */
  readonly about: string;
  /** What bounds its verdicts: how many CPUs, processes, devices, switches. */
  readonly bounds: string;
  readonly memory?: 'sc' | 'tso';
  readonly program: (world: World, kernel: Build) => Program;
}

export interface Litmus extends Omit<Scenario, 'program'> {
  readonly cases: readonly LitmusCase[];
  readonly program?: Scenario['program'];
}

export interface LitmusCase {
  /** `as it was`, `fixed`, `wrong fix: …`. */
  readonly name: string;
  readonly expect: 'holds' | 'violated';
  readonly changes?: readonly (KernelDesign | Patch)[];
  /** In place of the litmus's own. */
  readonly program?: Scenario['program'];
  /** Takes longer than `npm test` has time for. */
  readonly slow?: boolean;
}

/** One test of the matrix. */
export interface MatrixEntry {
  /** What `tablewalk check NAME` calls it: `SCENARIO / DESIGN`. */
  readonly name: string;
  readonly family: string;
  readonly scenario: string;
  readonly design: string;
  /** The designs that its kernel has, by name, the innermost first; none for the kernel as it is, or with a patch alone. */
  readonly designs: readonly string[];
  readonly source: string;
  readonly bounds: string;
  readonly slow: boolean;
  readonly test: CheckTest;
  /** The same test on a kernel that is made of another table of functions, with a twin of each design. */
  readonly testOn: (base: KernelFunctions, twin?: (design: KernelDesign) => KernelDesign) => CheckTest;
}

/** A scenario with a kernel made of these changes. */
export function testOf(
  scenario: Scenario,
  family: string,
  design: string,
  expect: Exclude<Verdict, 'bounded'>,
  changes: readonly (KernelDesign | Patch)[],
  slow = false,
): MatrixEntry {
  const { about, bounds, memory, name, program, source } = scenario;
  const testOn: MatrixEntry['testOn'] = (base, twin = (design) => design) => {
    // Made when it is first needed: a matrix has more kernels than are run.
    let kernel: Build | null = null;
    return defineTest({
      name: `${name} / ${design}`,
      about,
      design,
      expect,
      ...(memory === undefined ? {} : { memory }),
      program: (world) => {
        kernel ??= buildOn(
          base,
          changes.map((change) => ('patch' in change ? twin(change) : change)),
        );
        return program(world, kernel);
      },
    });
  };
  const test = testOn(BASE);
  const designs = changes.flatMap((change) => ('patch' in change ? [change.name] : []));
  return { name: test.name, family, scenario: name, design, designs, source, bounds, slow, test, testOn };
}

/** The cases of a litmus. @throws TestMistake for a key that it or a case does not have: it would be passed over. */
export function casesOf(litmus: Litmus, family: string): readonly MatrixEntry[] {
  checkKeys(litmus, `litmus '${litmus.name}'`, LITMUS_KEYS);
  return litmus.cases.map((own) => {
    const { changes = [], expect, name, program = litmus.program, slow } = own;
    checkKeys(own, `case '${name}' of '${litmus.name}'`, CASE_KEYS);
    if (program === undefined) throw new TestMistake(`case '${name}' of '${litmus.name}' has no program`);
    if (!Array.isArray(changes)) throw new TestMistake(`changes of case '${name}' is to be a list: [design, patch, …]`);
    return testOf({ ...litmus, program }, family, name, expect, changes, slow);
  });
}

const LITMUS_KEYS: readonly string[] = ['name', 'source', 'about', 'bounds', 'memory', 'program', 'cases'];
const CASE_KEYS: readonly string[] = ['name', 'expect', 'changes', 'program', 'slow'];

function checkKeys(value: object, what: string, known: readonly string[]): void {
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) throw new TestMistake(`${what} has no key '${key}': it may have ${known.join(', ')}`);
  }
}

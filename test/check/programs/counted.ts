/**
 * A program with a known number of executions that differ in the order of dependent steps (Mazurkiewicz traces): what an optimal
 * reduction explores. All are from the benchmarks of Nidhugg (github.com/nidhugg/nidhugg, folder benchmarks/) or GenMC
 * (github.com/MPI-SWS/genmc, tests/correct/), rewritten: shared variables are cells, a spin loop is bounded as it is there, what
 * `main` does after joining is left out, since it races with nothing.
 *
 * Generator functions stand outside of the programs: one made anew for each execution would cost more than the execution.
 */
import type { CheckTest, Program, World } from '../../../src/check/index.ts';

export interface Counted {
  /** As its file is called there. */
  readonly name: string;
  /** Path below Nidhugg's benchmarks/, or below GenMC's tests/correct/. */
  readonly origin: string;
  /** What the size says. */
  readonly size: string;
  /** Executions by size. */
  readonly counts: readonly (readonly [size: number, count: number])[];
  readonly program: (world: World, size: number) => Program;
}

/** The test that explores the program at one size. */
export function testOf({ name, origin, program }: Counted, size: number): CheckTest {
  return { name: `${name}(${size})`, about: origin, expect: 'holds', program: (world) => program(world, size) };
}

/** [make(0), …, make(count - 1)] */
export function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}

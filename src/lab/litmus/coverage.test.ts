/** No function of the kernel goes without a litmus test unseen: those that none enters are listed here, with the reason. */
import { expect, it } from 'vitest';
import { COUNTED, coverageText, kernelCoverage } from './coverage.ts';
import { LITMUS } from './index.ts';

/** By reason: functions that no litmus test enters. test/kernel runs each of them alone. */
const NEVER_ENTERED: Readonly<Record<string, readonly string[]>> = {
  'CPUs of the tests have IA32_PASID alone; test/kernel/cpu-states.test.ts loads the others': ['load_register'],
};
/** Pairs that between them change most of the kernel: thousands more have no other functions. */
const PAIRS = ['free-in-mmdrop x gp-fixup', 'free-on-unbind x gp-fixup', 'update-pasid x update-pasid-msr'];
/** Of each test: what is entered at all is entered early. `npm run coverage:kernel` looks longer. */
const EXECUTIONS = 8;

it('every function of the kernel is entered by some litmus test, or is listed here with a reason', () => {
  const some = LITMUS.filter(({ designs, design }) => designs.length < 2 || PAIRS.includes(design));
  const coverage = kernelCoverage(some, EXECUTIONS);
  const listed = Object.values(NEVER_ENTERED).flat();
  expect(coverage.never.toSorted(), coverageText(coverage).join('\n')).toEqual(listed.toSorted());
});

it('counts functions of the kernel, and no observers', () => {
  expect(COUNTED).toContain('iommu_sva_bind_device');
  expect(COUNTED.filter((name) => name.startsWith('observe'))).toEqual([]);
});

it("counts the kernel's own function, not what a design has put in its place", () => {
  const [replaced] = LITMUS.filter(({ name }) => name === 'L01 freed at mmput / as it was');
  const { entered, executions, never } = kernelCoverage([replaced!], 3);
  expect([never.includes('__mmput'), entered.has('exit_mmap'), executions]).toEqual([true, true, 3]);
});

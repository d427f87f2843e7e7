/** The brief view of the catalogue's counterexamples: short enough to be walked through, and it tells the story. */
import { describe, expect, it } from 'vitest';
import { check, explain, renderLanes } from '../../src/check/index.ts';
import { LITMUS } from '../../src/lab/litmus/index.ts';

/** Rows, at most: the longest of them has 132 steps. */
const MOST_ROWS = 35;

/** What comes in its order: a text of a row, and the function that it is in. */
const STORIES: Readonly<Record<string, readonly (readonly [text: string, place: string])[]>> = {
  'L01 freed at mmput': [
    ["dsa queue: null -> A's work, PASID 1", 'ENQCMD'],
    ['PASIDs[0]: mm A -> null', 'iommu_free_global_pasid'],
    ['PASIDs[0]: null -> mm B', 'iommu_alloc_global_pasid'],
  ],
  'L02 freed at unbind': [
    ['cpu0.IA32_PASID: 0 -> 0x80000001', 'try_fixup_enqcmd_gp'],
    ['PASIDs[0]: mm A -> null', 'iommu_free_global_pasid'],
    ['PASIDs[0]: null -> mm B', 'iommu_alloc_global_pasid'],
    ['mm A.pasid: -1 -> 2', 'mm_pasid_set'],
    ['cpu0.IA32_PASID is', 'ENQCMD'],
  ],
  'L03 copied by fork': [
    ['PASIDs[0]: null -> mm', 'iommu_alloc_global_pasid'],
    ["child's mm.pasid is 1", 'iommu_alloc_mm_data'],
    ['PASIDs[0] is mm parent', 'intel_pasid_setup_first_level'],
  ],
  'L04 loaded by IPI': [
    ['cpu1 interrupts := update_pasid (put)', 'on_each_cpu_mask'],
    ['T2.TIF_NEED_FPU_LOAD: false -> true', 'kernel_fpu_begin'],
    ['T2.xsave[0] is 0; cpu1.IA32_PASID: 0 -> 0', 'XRSTORS'],
    ['cpu1 takes an interrupt', 'interruptThread'],
    ['T2.TIF_NEED_FPU_LOAD: true -> false', 'fpregs_restore_userregs'],
    ['cpu1.IA32_PASID is 0', 'ENQCMD'],
  ],
  'L05 fixed up late': [
    ['a softirq', 'preempt_disable'],
    ['cpu0.IA32_PASID: 0 -> 0x80000001', 'try_fixup_enqcmd_gp'],
    ['cpu0.IA32_PASID: 0x80000001 -> 0', 'XRSTORS'],
  ],
};

function rowsOf(scenario: string): readonly string[] {
  const { test } = LITMUS.find(({ name }) => name === `${scenario} / as it was`)!;
  const lanes = renderLanes(explain(test, check(test).violation!), { brief: true, width: 300 });
  return lanes.trimEnd().split('\n').slice(2);
}

describe('the brief view of', () => {
  for (const [scenario, story] of Object.entries(STORIES)) {
    it(`${scenario} is short, and tells how it falls`, () => {
      const rows = rowsOf(scenario);
      expect(rows.length).toBeLessThanOrEqual(MOST_ROWS);
      let at = -1;
      for (const [text, place] of story) {
        at = rows.findIndex((row, i) => i > at && row.includes(text) && row.endsWith(place));
        expect(at, `${text} in ${place}, in\n${rows.join('\n')}`).not.toBe(-1);
      }
    });
  }
});

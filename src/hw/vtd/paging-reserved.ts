/**
 * Reserved bits of paging entries (VT-d 9.8, 9.9), by level and whether the entry is a leaf, as this unit has them: two int32 halves at
 * `4 * level + 2 * isLeaf`. Entries are checked once a level, so that a table is what a walk wants.
 */
import { fieldMask, reservedMask } from '../../base/layout.ts';
import { SS_PDE_LEAF, SS_PDPTE_LEAF, SS_PTE, SS_TABLE } from '../pt/formats/vtd-second-stage.ts';
import { X86_64_PDE_LEAF, X86_64_PDPTE_LEAF, X86_64_PTE, X86_64_TABLE } from '../pt/formats/x86-64.ts';
import type { Capabilities } from './capabilities.ts';

const PS = fieldMask(SS_TABLE.fields.PS);
/** SNP of a leaf; reserved elsewhere, and in a unit without snoop control. */
const BIT_11 = fieldMask(SS_PTE.fields.SNP);
/** TM of a leaf; reserved elsewhere, and in a unit without device TLBs. */
const BIT_62 = fieldMask(SS_PTE.fields.TM);
const LEVELS = 5;

export function secondStageReserved(caps: Capabilities): Int32Array {
  const leaves = [SS_PTE, SS_PDE_LEAF, SS_PDPTE_LEAF];
  return tabulate(caps.haw, (level, isLeaf) => {
    const leaf = leaves[level];
    if (!isLeaf || leaf === undefined) return BIT_11 | BIT_62 | (level > 2 ? PS : 0n);
    const isPage = level === 0 || ((caps.secondStageLarge >> (level - 1)) & 1) === 1;
    const optional = (caps.snoopControl ? 0n : BIT_11) | (caps.deviceTlb ? 0n : BIT_62);
    return reservedMask(leaf) | optional | (isPage ? 0n : PS);
  });
}

/** XD is reserved besides where NXE is clear: the PASID table entry says so. */
export function firstStageReserved(caps: Capabilities): Int32Array {
  const leaves = [X86_64_PTE, X86_64_PDE_LEAF, X86_64_PDPTE_LEAF];
  return tabulate(caps.haw, (level, isLeaf) => {
    const leaf = leaves[level];
    if (!isLeaf || leaf === undefined) return reservedMask(X86_64_TABLE) | (level > 2 ? PS : 0n);
    return reservedMask(leaf) | (level === 2 && !caps.firstStage1G ? PS : 0n);
  });
}

function tabulate(haw: number, maskOf: (level: number, isLeaf: boolean) => bigint): Int32Array {
  const beyond = (2n ** 52n - 1n) ^ (2n ** BigInt(haw) - 1n);
  const halves = new Int32Array(4 * LEVELS);
  for (let level = 0; level < LEVELS; level++) {
    for (const isLeaf of [false, true]) {
      const mask = maskOf(level, isLeaf) | beyond;
      const at = 4 * level + (isLeaf ? 2 : 0);
      halves[at] = Number(BigInt.asIntN(32, mask));
      halves[at + 1] = Number(BigInt.asIntN(32, mask >> 32n));
    }
  }
  return halves;
}

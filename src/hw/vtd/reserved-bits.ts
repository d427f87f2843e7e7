/**
 * Which bits a unit has reserved in each structure, derived from the layouts and its capabilities once: int32 halves, low half
 * first. Bits of an address above the host address width are reserved too.
 */
import { halvesOf, highHalf, lowHalf } from '../../base/halves.ts';
import { fieldMask, type Layout, reservedMask } from '../../base/layout.ts';
import { SS_PDE_LEAF, SS_PDPTE_LEAF, SS_PTE, SS_TABLE } from '../pt/formats/vtd-second-stage.ts';
import { X86_64_PDE_LEAF, X86_64_PDPTE_LEAF, X86_64_PTE, X86_64_TABLE } from '../pt/formats/x86-64.ts';
import type { Capabilities } from './capabilities.ts';
import {
  CONTEXT_ENTRY,
  PASID_DIRECTORY_ENTRY,
  PASID_ENTRY,
  ROOT_ENTRY,
  SCALABLE_CONTEXT_ENTRY,
  SCALABLE_ROOT_ENTRY,
} from './layouts.ts';

export interface ReservedBits {
  readonly root: Int32Array;
  readonly scalableRoot: Int32Array;
  readonly context: Int32Array;
  readonly scalableContext: Int32Array;
  readonly directory: Int32Array;
  /** Without those of table pointers, which count only where the type uses them. */
  readonly pasid: Int32Array;
  /** High half of a table pointer. */
  readonly pointerHi: number;
  /** Paging entries: two halves at `4 * level + 2 * isLeaf`. */
  readonly secondStage: Int32Array;
  readonly firstStage: Int32Array;
}

const KNOWN = new WeakMap<Capabilities, ReservedBits>();

export function reservedBitsOf(caps: Capabilities): ReservedBits {
  let known = KNOWN.get(caps);
  if (known === undefined) {
    known = derive(caps);
    KNOWN.set(caps, known);
  }
  return known;
}

function derive(caps: Capabilities): ReservedBits {
  const { haw } = caps;
  return {
    root: reservedIn(ROOT_ENTRY, haw, [0]),
    scalableRoot: reservedIn(SCALABLE_ROOT_ENTRY, haw, [0, 1]),
    context: reservedIn(CONTEXT_ENTRY, haw, [0]),
    scalableContext: reservedIn(SCALABLE_CONTEXT_ENTRY, haw, [0]),
    directory: reservedIn(PASID_DIRECTORY_ENTRY, haw, [0]),
    pasid: reservedIn(PASID_ENTRY, haw, []),
    pointerHi: ~(2 ** Math.max(0, haw - 32) - 1),
    secondStage: secondStageReserved(caps),
    firstStage: firstStageReserved(caps),
  };
}

const PS = fieldMask(SS_TABLE.fields.PS);
/** SNP of a leaf; reserved elsewhere, and in a unit without snoop control. */
const BIT_11 = fieldMask(SS_PTE.fields.SNP);
/** TM of a leaf; reserved elsewhere, and in a unit without device TLBs. */
const BIT_62 = fieldMask(SS_PTE.fields.TM);
const LEVELS = 5;

function secondStageReserved(caps: Capabilities): Int32Array {
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
function firstStageReserved(caps: Capabilities): Int32Array {
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
      halves[at] = lowHalf(mask);
      halves[at + 1] = highHalf(mask);
    }
  }
  return halves;
}

/** Reserved bits of a structure; `addresses`: quadwords whose bits 63:haw are reserved too. */
function reservedIn(table: Layout, haw: number, addresses: readonly number[]): Int32Array {
  let mask = reservedMask(table);
  for (const quadword of addresses) {
    const beyond = (2n ** 64n - 1n) ^ (2n ** BigInt(haw) - 1n);
    mask |= beyond << BigInt(64 * quadword);
  }
  return halvesOf(mask, table.bits / 32);
}

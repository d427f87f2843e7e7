/**
 * Which page sizes a range is entered with, by arithmetic instead of a walk. The IOMMU core takes, at each address, the
 * largest size to which IOVA and physical address are aligned and that still fits (iommu_pgsize). So an aligned block
 * is one leaf exactly if it lies within the range, IOVA and physical address are congruent to its size, and no larger
 * block qualifies.
 */
import { spanPages } from '../../hw/index.ts';
import type { Piece } from './piece-list.ts';

/** Leaves are 4 KiB, 2 MiB and 1 GiB. */
const MAX_LEAF_LEVEL = 2;

/** Leaf entries for the pages [start, end) whose frames are `delta` further. */
export function leafEntries(start: number, end: number, delta: number, level = MAX_LEAF_LEVEL): number {
  if (level === 0 || start >= end) return end - start;
  const span = spanPages(level);
  const first = Math.ceil(start / span) * span;
  const behind = Math.floor(end / span) * span;
  if (delta % span !== 0 || first >= behind) return leafEntries(start, end, delta, level - 1);
  const sides = leafEntries(start, first, delta, level - 1) + leafEntries(behind, end, delta, level - 1);
  return (behind - first) / span + sides;
}

/** Pages of the leaf that holds `page`. */
export function leafSpan(piece: Piece, page: number): number {
  for (let level = MAX_LEAF_LEVEL; level > 0; level--) {
    const span = spanPages(level);
    const start = Math.floor(page / span) * span;
    const entered = start >= piece.enteredStart && start + span <= piece.enteredEnd;
    if (entered && piece.delta % span === 0) return span;
  }
  return 1;
}

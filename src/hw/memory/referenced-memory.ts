/**
 * Table memory in which others take references to any frame for a moment, as GUP-fast, the page cache and walkers of page frame numbers do in Linux
 * (get_page_unless_zero, put_page). A frame goes back to the allocator when its last reference is dropped, whoever drops it.
 *
 * Whose table a frame is may be counted in the same `_refcount` (`addRefcount`): then a reference is one more there. Otherwise the owner has one
 * reference, and gives it back by `freeFrame`.
 */
import type { SharedObject, World } from '../../base/world.ts';
import { RecordedMemory } from './recorded-memory.ts';

export class ReferencedMemory extends RecordedMemory {
  /** Told in the step in which the owner gives a frame back, or the last reference of one that is counted goes. */
  onFree: (pfn: number) => void = () => {};
  /** Told in the step in which a frame is asked for. */
  onAlloc: () => void = () => {};
  private readonly pages: SharedObject;
  private readonly own: World;
  /** By frame: references of others, where the owner's count is elsewhere. */
  private readonly references: number[] = [];
  /** Frames that their owner has given back, and others still hold. */
  private readonly left = new Set<number>();
  private countsReferences = false;

  /** `frames`: as many as can be referenced, from 0 on. */
  constructor(world: World, frames: number) {
    super(world);
    this.own = world;
    this.pages = world.register('struct page', frames);
  }

  /** A reference, if the frame has any. Context: within an atomic step. */
  getUnlessZero(pfn: number): boolean {
    if (!this.isInUse(pfn)) return false;
    if (this.countsReferences) {
      if (this.addRefcount(pfn, 0) === 0) return false;
      this.addRefcount(pfn, 1);
      return true;
    }
    this.own.record(this.pages, 'write', pfn);
    if (this.left.has(pfn)) return false;
    this.references[pfn] = (this.references[pfn] ?? 0) + 1;
    return true;
  }

  /** Drops a reference. True: it was the last, and the frame is free. Context: within an atomic step. */
  putReference(pfn: number): boolean {
    if (this.countsReferences) {
      if (this.addRefcount(pfn, -1) !== 0) return false;
      this.freeFrame(pfn);
      return true;
    }
    this.own.record(this.pages, 'write', pfn);
    this.references[pfn]!--;
    if (this.references[pfn] !== 0 || !this.left.delete(pfn)) return false;
    super.freeFrame(pfn);
    return true;
  }

  override allocFrame(): number {
    this.onAlloc();
    return super.allocFrame();
  }

  override addRefcount(pfn: number, delta: number): number {
    if (delta !== 0) this.countsReferences = true;
    return super.addRefcount(pfn, delta);
  }

  override freeFrame(pfn: number): void {
    this.onFree(pfn);
    if (this.countsReferences) {
      super.freeFrame(pfn);
      return;
    }
    this.own.record(this.pages, 'write', pfn);
    if ((this.references[pfn] ?? 0) > 0 && !this.left.has(pfn)) this.left.add(pfn);
    else super.freeFrame(pfn);
  }
}

/**
 * Numbers for DMA (drivers/iommu/iova.c): a tree of ranges under a lock, and before it, for each CPU, magazines of numbers that were freed lately: what
 * is freed here is given out here next, without the lock.
 *
 * Sizes are of one order: a magazine has numbers of blocks of `pages` pages. Left out: 32-bit addresses first, the delayed trim of the depot, resv regions.
 */
import { type Flow, SpinLock, type World } from '../../base/index.ts';
import type { Kernel } from '../kernel.ts';

/** A CPU's caches. Context: its lock. */
export interface IovaCpuRcache {
  readonly lock: SpinLock;
  loaded: number[];
  prev: number[];
}

export interface IovaDomainOptions {
  readonly cpus: number;
  /** Blocks that there are. */
  readonly blocks: number;
  /** Pages of a block. Default: 1. */
  readonly pages?: number;
  /** Numbers that a magazine has room for (IOVA_MAG_SIZE, 127). Default: 1. */
  readonly magazine?: number;
  /** Default: true. */
  readonly cached?: boolean;
}

export class IovaDomain {
  readonly pages: number;
  readonly blocks: number;
  readonly magazine: number;
  readonly cached: boolean;
  readonly rbtree_lock: SpinLock;
  /** Numbers that are out, in caches too. Context: rbtree_lock. */
  readonly allocated = new Set<number>();
  readonly cpus: readonly IovaCpuRcache[];
  readonly depot_lock: SpinLock;
  /** Full magazines. Context: depot_lock. */
  readonly depot: number[][] = [];

  constructor(world: World, { blocks, cached = true, cpus, magazine = 1, pages = 1 }: IovaDomainOptions) {
    this.blocks = blocks;
    this.pages = pages;
    this.magazine = magazine;
    this.cached = cached;
    this.rbtree_lock = new SpinLock(world, 'iova_rbtree_lock');
    this.depot_lock = new SpinLock(world, 'rcache->lock');
    this.cpus = Array.from({ length: cpus }, (_, cpu) => ({
      lock: new SpinLock(world, `cpu${cpu}'s rcache->lock`),
      loaded: [],
      prev: [],
    }));
  }
}

/** No number is left. */
export const NO_IOVA = -1;

/** The first page of a block, or NO_IOVA. Order: caches of this CPU, the tree, and once more when all caches are empty. linux v6.6 drivers/iommu/iova.c: alloc_iova_fast */
export function* alloc_iova_fast(this: Kernel, iovad: IovaDomain, cpu: number): Flow<number> {
  if (!iovad.cached) return yield* this.alloc_iova(iovad);
  const known = yield* this.iova_rcache_get(iovad, cpu);
  if (known !== NO_IOVA) return known;
  const fresh = yield* this.alloc_iova(iovad);
  if (fresh !== NO_IOVA) return fresh;
  for (let other = 0; other < iovad.cpus.length; other++) yield* this.free_cpu_cached_iovas(iovad, other);
  yield* this.free_global_cached_iovas(iovad);
  return yield* this.alloc_iova(iovad);
}

/** From the top down. linux v6.6 drivers/iommu/iova.c: alloc_iova */
export function* alloc_iova(this: Kernel, iovad: IovaDomain): Flow<number> {
  yield iovad.rbtree_lock.acquire();
  let found = NO_IOVA;
  for (let block = iovad.blocks - 1; block >= 0 && found === NO_IOVA; block--) {
    if (!iovad.allocated.has(block)) found = block;
  }
  if (found !== NO_IOVA) iovad.allocated.add(found);
  yield iovad.rbtree_lock.release();
  return found === NO_IOVA ? NO_IOVA : found * iovad.pages;
}

/** linux v6.6 drivers/iommu/iova.c: free_iova_fast */
export function* free_iova_fast(this: Kernel, iovad: IovaDomain, cpu: number, iova: number): Flow<void> {
  if (iovad.cached && (yield* this.iova_rcache_insert(iovad, cpu, iova))) return;
  yield* this.free_iova(iovad, [iova]);
}

/** linux v6.6 drivers/iommu/iova.c: free_iova, iova_magazine_free_pfns */
export function* free_iova(this: Kernel, iovad: IovaDomain, iovas: readonly number[]): Flow<void> {
  yield iovad.rbtree_lock.acquire();
  for (const iova of iovas) iovad.allocated.delete(iova / iovad.pages);
  yield iovad.rbtree_lock.release();
}

/** linux v6.6 drivers/iommu/iova.c: __iova_rcache_get */
export function* iova_rcache_get(this: Kernel, { cpus, depot, depot_lock }: IovaDomain, cpu: number): Flow<number> {
  const own = cpus[cpu]!;
  yield own.lock.acquire();
  if (own.loaded.length === 0 && own.prev.length > 0) [own.loaded, own.prev] = [own.prev, own.loaded];
  if (own.loaded.length === 0) {
    yield depot_lock.acquire();
    own.loaded = depot.pop() ?? own.loaded;
    yield depot_lock.release();
  }
  const found = own.loaded.pop() ?? NO_IOVA;
  yield own.lock.release();
  return found;
}

/** linux v6.6 drivers/iommu/iova.c: __iova_rcache_insert */
export function* iova_rcache_insert(this: Kernel, iovad: IovaDomain, cpu: number, iova: number): Flow<boolean> {
  const { cpus, depot, depot_lock, magazine } = iovad;
  const own = cpus[cpu]!;
  yield own.lock.acquire();
  if (own.loaded.length === magazine && own.prev.length < magazine) [own.loaded, own.prev] = [own.prev, own.loaded];
  if (own.loaded.length === magazine) {
    yield depot_lock.acquire();
    depot.push(own.loaded);
    own.loaded = [];
    yield depot_lock.release();
  }
  own.loaded.push(iova);
  yield own.lock.release();
  return true;
}

/** Another CPU's, too. linux v6.6 drivers/iommu/iova.c: free_cpu_cached_iovas */
export function* free_cpu_cached_iovas(this: Kernel, iovad: IovaDomain, cpu: number): Flow<void> {
  const own = iovad.cpus[cpu]!;
  yield own.lock.acquire();
  yield* this.free_iova(iovad, [...own.loaded.splice(0), ...own.prev.splice(0)]);
  yield own.lock.release();
}

/** linux v6.6 drivers/iommu/iova.c: free_global_cached_iovas */
export function* free_global_cached_iovas(this: Kernel, iovad: IovaDomain): Flow<void> {
  yield iovad.depot_lock.acquire();
  yield* this.free_iova(iovad, iovad.depot.splice(0).flat());
  yield iovad.depot_lock.release();
}

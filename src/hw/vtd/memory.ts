/**
 * What a VT-d unit needs of the machine around it: physical memory, somebody who takes interrupt messages, and devices that
 * answer invalidations of their TLBs. Each is small enough for an emulator or a test to give.
 */
import { highHalf, joinHalves, lowHalf } from '../../base/halves.ts';

/**
 * Physical memory in 4 KiB frames of 512 words of 64 bits, each as two int32 halves. `TableMemory` is one, and reads
 * everywhere; `SparseMemory` has holes.
 */
export interface VtdMemory {
  /** Where word `index` (0 .. 511) of frame `pfn` is, for `lo` and `hi`; -1 when nothing answers there. */
  locate(pfn: number, index: number): number;
  /** Bits 31:0 of a word, as int32. One access together with `hi`. */
  lo(at: number): number;
  hi(at: number): number;
  store(pfn: number, index: number, lo: number, hi: number): void;
}

/** Takes messages: a write of `data` (32 bits) to `address`. */
export interface InterruptSink {
  message(address: bigint, data: number): void;
}

/** A device-TLB invalidation as the unit sends it: `page` and `pages` (a power of two) of `pasid` (-1: without PASID). */
export interface DeviceTlbInvalidation {
  readonly sourceId: number;
  readonly pasid: number;
  readonly page: number;
  readonly pages: number;
}

/** What became of it: `later` is told by `VtdUnit.deviceTlbCompleted` or `deviceTlbTimedOut`. */
export type DeviceTlbAnswer = 'completed' | 'later' | 'timed-out';

export interface DeviceTlbPort {
  invalidate(invalidation: DeviceTlbInvalidation): DeviceTlbAnswer;
}

/** Memory with holes, zero where nothing was stored: `ranges` are [from, to) in bytes, multiples of 4 KiB. */
export class SparseMemory implements VtdMemory {
  private readonly ranges: readonly (readonly [number, number])[];
  private readonly frames = new Map<number, Int32Array>();
  private readonly empty = new Int32Array(1024);
  private current: Int32Array = this.empty;

  constructor(ranges: readonly (readonly [bigint, bigint])[]) {
    this.ranges = ranges.map(([from, to]) => [Number(from >> 12n), Number(to >> 12n)]);
  }

  answers(pfn: number): boolean {
    return this.ranges.some(([from, to]) => pfn >= from && pfn < to);
  }

  locate(pfn: number, index: number): number {
    const frame = this.frames.get(pfn);
    if (frame === undefined && !this.answers(pfn)) return -1;
    this.current = frame ?? this.empty;
    return 2 * index;
  }

  lo(at: number): number {
    return this.current[at]!;
  }

  hi(at: number): number {
    return this.current[at + 1]!;
  }

  store(pfn: number, index: number, lo: number, hi: number): void {
    let frame = this.frames.get(pfn);
    if (frame === undefined) {
      if (!this.answers(pfn)) return;
      frame = new Int32Array(1024);
      this.frames.set(pfn, frame);
    }
    frame[2 * index] = lo;
    frame[2 * index + 1] = hi;
  }

  /** Stores 64 bits at a byte address that is a multiple of 8. */
  write(address: bigint, value: bigint): void {
    const index = Number((address >> 3n) & 511n);
    this.store(Number(address >> 12n), index, lowHalf(value), highHalf(value));
  }

  /** 64 bits from a byte address that is a multiple of 8; where nothing answers, all ones. */
  read(address: bigint): bigint {
    const at = this.locate(Number(address >> 12n), Number((address >> 3n) & 511n));
    if (at === -1) return 2n ** 64n - 1n;
    return joinHalves(this.lo(at), this.hi(at));
  }
}

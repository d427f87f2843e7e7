/** Host memory that the simulated frames of `ArenaMemory` take: how much is expected, how much is allowed. */

export interface ArenaOptions {
  readonly keepZeroFrames?: boolean;
  /** Frames of the simulated machine; allocation fails beyond. Default 2^28 (1 TiB of tables). */
  readonly maxFrames?: number;
  /** Frames and non-zero frames to make room for at once: spares the copies of growing, and what is not used costs nothing. */
  readonly expectFrames?: number;
  readonly expectNonZeroFrames?: number;
  /** Host bytes for non-zero frames and slots; beyond, `HostMemoryExhausted` is thrown. Default and most: 8 GiB. */
  readonly maxHostBytes?: number;
}

/** The simulated tables need more host memory than allowed: input that is too large, not a bug. */
export class HostMemoryExhausted extends Error {
  override readonly name = 'HostMemoryExhausted';
}

/** Element indices stay below 2^31. */
export const MAX_HOST_BYTES = 2 ** 33;

export function grown(from: Int32Array, to: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  to.set(from);
  return to;
}

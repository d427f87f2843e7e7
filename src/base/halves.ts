/** 64-bit words as two int32 halves, bit-exact: how models keep them, and how edges (registers, files, layouts) see them. */

/** Bits 31:0 of a word, as int32. */
export function lowHalf(word: bigint): number {
  return Number(BigInt.asIntN(32, word));
}

/** Bits 63:32. */
export function highHalf(word: bigint): number {
  return Number(BigInt.asIntN(32, word >> 32n));
}

export function joinHalves(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}

/** The first `count` halves of a structure of any width, the lowest first. */
export function halvesOf(raw: bigint, count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => lowHalf(raw >> BigInt(32 * i)));
}

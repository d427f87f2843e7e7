/**
 * Seeded random numbers: xoshiro128** (Blackman and Vigna 2018), seeded through splitmix32. Good enough for
 * workloads, schedules and fuzzing; not for secrets. The same seed gives the same numbers on every machine.
 */

export interface Random {
  /** Uniform in 0 .. 2^32-1. */
  uint32(): number;
  /** Uniform in 0 .. bound-1, for a bound in 1 .. 2^32; without modulo bias. */
  below(bound: number): number;
  /** Uniform in [0, 1), 32 bits of it. */
  fraction(): number;
  pick<T>(items: readonly T[]): T;
}

export function createRandom(seed: number): Random {
  const state = new Uint32Array(4);
  let mixer = seed >>> 0;
  for (let i = 0; i < 4; i++) {
    mixer = (mixer + 0x9e3779b9) >>> 0;
    let z = mixer;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    state[i] = z ^ (z >>> 16);
  }

  function uint32(): number {
    const s1 = state[1]!;
    const scrambled = Math.imul(rotl(Math.imul(s1, 5), 7), 9) >>> 0;
    state[2] = state[2]! ^ state[0]!;
    state[3] = state[3]! ^ s1;
    state[1] = s1 ^ state[2]!;
    state[0] = state[0]! ^ state[3]!;
    state[2] = state[2]! ^ (s1 << 9);
    state[3] = rotl(state[3]!, 11);
    return scrambled;
  }

  function below(bound: number): number {
    if (!(Number.isInteger(bound) && bound >= 1 && bound <= 2 ** 32)) {
      throw new RangeError(`below(${bound}): the bound must be a whole number in 1 .. 2^32`);
    }
    const limit = 2 ** 32 - (2 ** 32 % bound);
    for (;;) {
      const value = uint32();
      if (value < limit) return value % bound;
    }
  }

  return {
    uint32,
    below,
    fraction: () => uint32() / 2 ** 32,
    pick: (items) => {
      if (items.length === 0) throw new RangeError('pick from an empty list');
      return items[below(items.length)]!;
    },
  };
}

function rotl(value: number, count: number): number {
  return (value << count) | (value >>> (32 - count));
}

/** Random small programs, by seed. Each has a theme, so that operations meet others of their kind. */
import { createRandom, type Random } from '../../../src/base/random.ts';
import type { MemoryModel } from '../../../src/check/index.ts';
import { LOCKS, type LockKind, type Op, type Spec } from './spec.ts';

type Draw = Op['kind'] | 'nested' | LockKind;

const THEMES: Readonly<Record<MemoryModel, readonly (readonly Draw[])[]>> = {
  sc: [
    ['load', 'store'],
    ['load', 'store', 'storeSeen', 'compareExchange', 'add', 'exchange'],
    ['ifEqual', 'load', 'store', 'storeSeen'],
    ['spin', 'load', 'store'],
    ['nested', 'store', 'load'],
    ['mutex', 'spin', 'store', 'ifEqual'],
    ['read', 'write', 'spin', 'store', 'ifEqual'],
    ['until', 'untilBoth', 'store', 'load', 'add', 'spin'],
    ['choose', 'storeSeen', 'load', 'store', 'ifEqual'],
    ['whichever', 'load', 'store'],
    ['atomic', 'load', 'store', 'compareExchange', 'ifEqual'],
    ['put', 'take', 'load', 'storeSeen'],
    ['retry', 'store', 'load', 'add'],
    ['free', 'load', 'store', 'add', 'ifEqual'],
    ['store', 'spin', 'write', 'untilBoth', 'choose', 'compareExchange', 'put', 'take', 'atomic', 'retry'],
  ],
  tso: [
    ['load', 'store'],
    ['load', 'store', 'store', 'fence'],
    ['load', 'store', 'compareExchange', 'add', 'exchange'],
    ['load', 'store', 'spin', 'mutex'],
    ['load', 'store', 'read', 'write', 'until'],
    ['store', 'load', 'choose', 'storeSeen', 'atomic'],
    ['store', 'load', 'retry', 'untilBoth'],
    ['free', 'load', 'store', 'fence'],
    ['put', 'take', 'load', 'store', 'ifEqual'],
  ],
};

/** Operations of a thread, at most, by how many threads there are. */
const LONGEST: Readonly<Record<MemoryModel, Readonly<Record<number, number>>>> = {
  sc: { 2: 4, 3: 3 },
  tso: { 2: 3, 3: 2 },
};

export function generate(memory: MemoryModel, seed: number): Spec {
  // Neighbouring seeds have nothing in common.
  const random = createRandom(seed * 7919 + (memory === 'tso' ? 13 : 29));
  const themes = THEMES[memory];
  const theme = themes[seed % themes.length]!;
  const threads = random.below(3) === 0 ? 3 : 2;
  const cells = 1 + random.below(3);
  const draw = new Drawing(random, theme, cells);
  return {
    name: `${memory} program ${seed}`,
    memory,
    cells,
    freeable: theme.includes('free'),
    threads: Array.from({ length: threads }, () => draw.ops(1 + random.below(LONGEST[memory][threads]!))),
  };
}

class Drawing {
  private readonly random: Random;
  private readonly theme: readonly Draw[];
  private readonly cells: number;

  constructor(random: Random, theme: readonly Draw[], cells: number) {
    this.random = random;
    this.theme = theme;
    this.cells = cells;
  }

  ops(count: number): readonly Op[] {
    return Array.from({ length: count }, () => this.op(this.oneOf(this.theme)));
  }

  private oneOf<T>(list: readonly T[]): T {
    return list[this.random.below(list.length)]!;
  }

  private value(): number {
    return this.random.below(3);
  }

  private cell(): number {
    return this.random.below(this.cells);
  }

  /** One plain operation, for the inside of a lock or of a condition. */
  private inner(): readonly Op[] {
    return this.random.below(4) === 0
      ? []
      : [this.op(this.oneOf<'load' | 'store' | 'storeSeen'>(['load', 'store', 'storeSeen']))];
  }

  private op(draw: Draw): Op {
    const cell = this.cell();
    const value = this.value();
    switch (draw) {
      case 'spin':
      case 'mutex':
        return { kind: 'locked', lock: draw, index: this.random.below(LOCKS), inner: this.inner() };
      case 'read':
      case 'write':
        return { kind: 'locked', lock: draw, index: 0, inner: this.inner() };
      case 'nested':
        return this.nested();
      case 'compareExchange':
        return { kind: draw, cell, expected: this.value(), value };
      case 'ifEqual':
        return { kind: draw, cell, value, inner: this.inner() };
      case 'whichever':
        return { kind: draw, inner: this.inner(), other: this.inner() };
      case 'untilBoth':
        return { kind: draw, cells: [cell, this.cell()], values: [value, this.value()] };
      case 'atomic':
        return { kind: draw, cell, value, other: this.cell() };
      case 'store':
      case 'exchange':
      case 'until':
      case 'retry':
        return { kind: draw, cell, value };
      case 'put':
        return { kind: draw, value };
      case 'take':
      case 'choose':
      case 'fence':
        return { kind: draw };
      case 'locked':
        throw new Error('a theme names the lock');
      default:
        return { kind: draw, cell };
    }
  }

  /** Two spinlocks, one inside of the other: in either order. */
  private nested(): Op {
    const first = this.random.below(LOCKS);
    const inside: Op = { kind: 'locked', lock: 'spin', index: 1 - first, inner: this.inner() };
    return { kind: 'locked', lock: 'spin', index: first, inner: [inside] };
  }
}

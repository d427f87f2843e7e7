/** Checks of one shape, counted: what `expect` does, at the speed that sweeps over all bits of all structures need. */
import { afterAll } from 'vitest';

export class Shape {
  checks = 0;
  private readonly name: string;

  constructor(name: string) {
    this.name = name;
    afterAll(() => console.info(`vt-d shapes: ${this.name} ${this.checks.toLocaleString('en-US')} checks`));
  }

  /** @throws when `actual` is not `expected`; `what` says of what. */
  equal<T extends string | number | bigint | boolean>(actual: T, expected: T, what: () => string): void {
    this.checks++;
    if (actual !== expected) throw new Error(`${what()}: ${text(actual)} in place of ${text(expected)}`);
  }

  holds(condition: boolean, what: () => string): void {
    this.checks++;
    if (!condition) throw new Error(what());
  }
}

function text(value: string | number | bigint | boolean): string {
  return typeof value === 'string' || typeof value === 'boolean' ? `${value}` : `0x${value.toString(16)}`;
}

/** The bits that are set in a mask, lowest first. */
export function bitsOf(mask: bigint): number[] {
  const found: number[] = [];
  for (let i = 0; mask >> BigInt(i) !== 0n; i++) if (((mask >> BigInt(i)) & 1n) === 1n) found.push(i);
  return found;
}

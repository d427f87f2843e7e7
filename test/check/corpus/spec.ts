/**
 * Small programs as data, for a corpus of random ones: what each thread does, one operation after the other. Two readers of this
 * know nothing of each other: as-program.ts makes generator functions of it, interpreter.ts walks its states.
 *
 * A thread keeps the value that it read last (`seen`), and all that it read in a row, which is part of the outcome.
 */
import type { MemoryModel } from '../../../src/check/index.ts';

export type LockKind = 'spin' | 'mutex' | 'read' | 'write';

export type Op =
  | { readonly kind: 'load' | 'add' | 'storeSeen' | 'free'; readonly cell: number }
  | { readonly kind: 'store' | 'exchange' | 'until' | 'retry'; readonly cell: number; readonly value: number }
  | { readonly kind: 'compareExchange'; readonly cell: number; readonly expected: number; readonly value: number }
  | { readonly kind: 'ifEqual'; readonly cell: number; readonly value: number; readonly inner: readonly Op[] }
  | { readonly kind: 'locked'; readonly lock: LockKind; readonly index: number; readonly inner: readonly Op[] }
  /** Waits until one cell has a value and another one has another. */
  | {
      readonly kind: 'untilBoth';
      readonly cells: readonly [number, number];
      readonly values: readonly [number, number];
    }
  /** One step: loads a cell and, if it has the value, stores to another. */
  | { readonly kind: 'atomic'; readonly cell: number; readonly value: number; readonly other: number }
  /** Chooses, and does one or the other. */
  | { readonly kind: 'whichever'; readonly inner: readonly Op[]; readonly other: readonly Op[] }
  | { readonly kind: 'put'; readonly value: number }
  | { readonly kind: 'take' | 'choose' | 'fence' };

export interface Spec {
  readonly name: string;
  readonly memory: MemoryModel;
  /** Cells, all 0 at first. */
  readonly cells: number;
  /** Cells may be freed; a thread that touches one afterwards ends. */
  readonly freeable: boolean;
  readonly threads: readonly (readonly Op[])[];
}

/** Locks of each kind, at most; one rwlock. */
export const LOCKS = 2;

/** What a thread's row of reads ends with when it touched a freed cell. */
export const FREED = 'freed';

export type Reads = readonly (number | typeof FREED)[];

/** How an execution ended, and with what. */
export interface Outcome {
  readonly end: 'ended' | 'deadlock' | 'livelock';
  readonly memory: readonly number[];
  readonly reads: readonly Reads[];
}

export function printOutcome({ end, memory, reads }: Outcome): string {
  return `${end}: cells ${memory.join(',')}; reads ${reads.map((row) => `[${row.join(',')}]`).join(' ')}`;
}

/** The program on one line a thread, for messages. */
export function printSpec({ name, memory, threads }: Spec): string {
  return [`${name} (${memory})`, ...threads.map((ops, i) => `  ${i}: ${ops.map(printOp).join('; ')}`)].join('\n');
}

function printOp(op: Op): string {
  switch (op.kind) {
    case 'compareExchange':
      return `x${op.cell}.compareExchange(${op.expected}, ${op.value})`;
    case 'ifEqual':
      return `if (x${op.cell} == ${op.value}) { ${op.inner.map(printOp).join('; ')} }`;
    case 'whichever':
      return `whichever { ${op.inner.map(printOp).join('; ')} } { ${op.other.map(printOp).join('; ')} }`;
    case 'locked':
      return `${op.lock} ${op.index} { ${op.inner.map(printOp).join('; ')} }`;
    case 'untilBoth':
      return `until(x${op.cells[0]} == ${op.values[0]} && x${op.cells[1]} == ${op.values[1]})`;
    case 'atomic':
      return `atomic { if (x${op.cell} == ${op.value}) x${op.other} = ${op.value + 1} }`;
    case 'store':
    case 'exchange':
    case 'until':
    case 'retry':
      return `${op.kind}(x${op.cell}, ${op.value})`;
    case 'put':
      return `put(${op.value})`;
    case 'take':
    case 'choose':
    case 'fence':
      return op.kind;
    default:
      return `${op.kind}(x${op.cell})`;
  }
}

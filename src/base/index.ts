/** What every layer stands on. The door of the layer. */
export { assert, fail, InvariantError, unreachable } from './assert.ts';
export * from './brands.ts';
export { Cell } from './cell.ts';
export { EventHub, type EventSource, type Observer } from './events.ts';
export {
  ATOMIC,
  cpuRelax,
  type Flow,
  join,
  LOCKED,
  MFENCE,
  runAlone,
  type Step,
  type StepRole,
  until,
  untilAtomic,
} from './flow.ts';
export { gated } from './gate.ts';
export {
  type BitField,
  bit,
  bits,
  decode,
  encode,
  type FieldKind,
  type Fields,
  fieldMask,
  fieldWidth,
  getField,
  ignored,
  type Layout,
  layout,
  print,
  reserved,
  reservedBitsSet,
  reservedMask,
  software,
} from './layout.ts';
export { LockMisuse, Mutex, RwLock, SpinLock } from './locks.ts';
export { TestMistake } from './mistake.ts';
export { Queue } from './queue.ts';
export { QueuedRwLock } from './queued-rwlock.ts';
export { createRandom, type Random } from './random.ts';
export { err, formatInputError, type InputError, ok, printable, type Result } from './result.ts';
export type { StoreBuffer } from './store-buffer.ts';
export { closestHint } from './suggest.ts';
export { UNBUFFERED, Words, type WordsOptions } from './words.ts';
export {
  type AccessEvent,
  type AccessKind,
  LocationTable,
  MAX_THREADS,
  type MemoryModel,
  type SharedObject,
  type Tracer,
  UseAfterFree,
  World,
  type WorldOptions,
} from './world.ts';

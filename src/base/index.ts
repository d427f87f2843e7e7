/** What every layer stands on. The door of the layer. */
export { assert, fail, InvariantError, unreachable } from './assert.ts';
export * from './brands.ts';
export { EventHub, type EventSource, type Observer } from './events.ts';
export {
  type Access,
  type AccessKind,
  Cell,
  type Flow,
  Lock,
  RwLock,
  runAlone,
  type SharedObject,
  type Step,
  until,
  World,
} from './flow.ts';
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
export { createRandom, type Random } from './random.ts';
export { err, formatInputError, type InputError, ok, printable, type Result } from './result.ts';

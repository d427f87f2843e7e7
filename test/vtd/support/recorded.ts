/** What a request must have left in the fault recording register, and in FSTS. */
import { WRITE } from '../../../src/hw/vtd/caches.ts';
import { FSTS_OFFSET } from '../../../src/hw/vtd/registers.ts';
import { FAULTS, type Machine, type Request } from './machine.ts';
import type { Shape } from './shape.ts';

const EXECUTE = 4;

/** FRCD (VT-d 11.4.14), low and high quadword. */
export function record(request: Request, code: number): [bigint, bigint] {
  const { sourceId, pasid, page, access, privileged, addressType } = request;
  const high =
    BigInt(sourceId) |
    (privileged && pasid !== -1 ? 1n << 29n : 0n) |
    ((access & EXECUTE) !== 0 && pasid !== -1 ? 1n << 30n : 0n) |
    (pasid === -1 ? 0n : (1n << 31n) | (BigInt(pasid) << 40n)) |
    (BigInt(code) << 32n) |
    (BigInt(addressType) << 60n) |
    ((access & WRITE) === 0 ? 1n << 62n : 0n) |
    (1n << 63n);
  return [BigInt(page) << 12n, high];
}

/** Bits 30:29, EXE and PRIV, mean something only with PP. */
function comparable(high: bigint): bigint {
  return (high >> 31n) & 1n ? high : high & ~(3n << 29n);
}

/** Sends the request, which faults with `code` in record 0 and nothing else; clears it. */
export function faults(shape: Shape, machine: Machine, request: Request, code: number, what: () => string): void {
  const { unit } = machine;
  const outcome = machine.access(request);
  const [low, high] = record(request, code);
  shape.equal(unit.reason, code, () => `${what()}: reason`);
  shape.equal(outcome, 'faulted', () => `${what()}: outcome`);
  shape.equal(unit.read(FAULTS, 8), low, () => `${what()}: FRCD low`);
  shape.equal(comparable(unit.read(FAULTS + 8, 8)), high, () => `${what()}: FRCD high`);
  shape.equal(unit.read(FSTS_OFFSET, 4), 2n, () => `${what()}: FSTS`);
  machine.clearRecord();
  shape.equal(unit.read(FSTS_OFFSET, 4), 0n, () => `${what()}: FSTS after F was cleared`);
}

/** Sends the request, which is refused with `code` and leaves no record. */
export function isBlocked(shape: Shape, machine: Machine, request: Request, code: number, what: () => string): void {
  const { unit } = machine;
  shape.equal(machine.access(request), 'blocked', () => `${what()}: outcome`);
  shape.equal(unit.reason, code, () => `${what()}: reason`);
  shape.equal(unit.read(FSTS_OFFSET, 4), 0n, () => `${what()}: FSTS`);
}

/** Sends the request, which is translated to `pfn`. */
export function translates(shape: Shape, machine: Machine, request: Request, pfn: number, what: () => string): void {
  const outcome = machine.access(request);
  shape.equal(outcome, 'translated', () => `${what()}: outcome (reason ${machine.unit.reason.toString(16)})`);
  shape.equal(machine.unit.walk.pfn, pfn, () => `${what()}: frame`);
}

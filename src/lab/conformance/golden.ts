/** Golden files: recorded answers of a VT-d unit, as JSON lines. The first line says how they were recorded, each other one is a case. */

import { err, type InputError, ok, type Result } from '../../base/result.ts';
import { SparseMemory, VtdUnit } from '../../hw/index.ts';
import { bit, boolean, type Fields, list, Malformed, number, pair, record, text, word } from './fields.ts';

export interface GoldenConfig {
  readonly cap: bigint;
  readonly ecap: bigint;
  /** Host address width. */
  readonly haw: number;
}

export interface GoldenHeader {
  readonly qemu: string;
  /** What answers as memory: [from, to) in bytes. */
  readonly ram: readonly (readonly [bigint, bigint])[];
  readonly configs: ReadonlyMap<string, GoldenConfig>;
}

export type MemoryWrite = readonly [address: bigint, value: bigint];

/** What became of a device's access. */
export type DmaOutcome =
  | { readonly ok: bigint }
  | {
      readonly fault: number;
      readonly sid: number;
      /** Fault info: the page's address. */
      readonly fi: bigint;
      /** 1: a read. */
      readonly type: number;
      /** PASID present, PASID value: `pv` means something only when `pp` is 1. */
      readonly pp: number;
      readonly pv: number;
      /** FSTS. */
      readonly fsts: number;
    }
  | { readonly blocked: true };

export interface QueueOutcome {
  /** The wait descriptor behind the others wrote its status. */
  readonly wait: boolean;
  /** Descriptors that were consumed. */
  readonly head: number;
  /** FSTS.IQE. */
  readonly iqe: number;
}

export type GoldenStep =
  | {
      readonly op: 'dma';
      readonly rid: number;
      readonly address: bigint;
      readonly write: boolean;
      readonly qemu: DmaOutcome;
    }
  | { readonly op: 'mem'; readonly writes: readonly MemoryWrite[] }
  | { readonly op: 'qi'; readonly descriptors: readonly (readonly bigint[])[]; readonly qemu: QueueOutcome }
  | {
      readonly op: 'reg';
      readonly register: 'ccmd' | 'iotlb';
      readonly value: bigint;
      readonly iva: bigint | null;
      readonly qemu: bigint;
    }
  | { readonly op: 'peek'; readonly addresses: readonly bigint[]; readonly qemu: readonly bigint[] };

export interface GoldenCase {
  readonly id: number;
  readonly config: GoldenConfig;
  readonly kind: string;
  readonly rtaddr: bigint;
  /** Null: no queue. */
  readonly iqa: bigint | null;
  readonly memory: readonly MemoryWrite[];
  readonly steps: readonly GoldenStep[];
}

/** More would only make each access slow. */
const MOST_RANGES = 64;
/** A PASID has 20 bits. */
const MOST_PASID = 0xfffff;

export function parseHeader(line: string, place: string): Result<GoldenHeader> {
  return attempt(place, 'the first line is no header of a golden file', () => {
    const object = record(JSON.parse(line), 'the line');
    if (object['header'] !== 1) throw new Malformed('header is not 1');
    const configs = Object.entries(record(object['configs'], 'configs')).map(
      ([name, value]) => [name, parseConfig(record(value, `configs.${name}`), `configs.${name}`)] as const,
    );
    if (configs.length === 0) throw new Malformed('configs is empty');
    const ram = list(object['ram'], 'ram').map((range, i) => parseRange(range, `ram[${i}]`));
    if (ram.length > MOST_RANGES) throw new Malformed(`ram has more than ${MOST_RANGES} ranges`);
    const qemu = text(object['qemu'], 'qemu');
    if (!VERSION.test(qemu)) throw new Malformed('qemu has no "version N.N" in it');
    return { qemu, ram, configs: new Map(configs) };
  });
}

const VERSION = /version (\d{1,4})\.(\d{1,4})/;

/** Major and minor number of the QEMU that recorded. */
export function versionOf({ qemu }: GoldenHeader): readonly [major: number, minor: number] {
  const [, major, minor] = VERSION.exec(qemu)!;
  return [Number(major), Number(minor)];
}

function parseConfig(config: Fields, place: string): GoldenConfig {
  const haw = number(config['haw'], `${place}.haw`);
  if (haw < 32 || haw > 52) throw new Malformed(`${place}.haw lies outside 32 to 52`);
  const cap = word(config['cap'], `${place}.cap`);
  const ecap = word(config['ecap'], `${place}.ecap`);
  const { faultOffset, faultRecords, iotlbOffset } = new VtdUnit({ cap, ecap, haw, memory: new SparseMemory([]) }).caps;
  if (faultOffset + 16 * faultRecords > 4096 || iotlbOffset + 16 > 4096) {
    throw new Malformed(`${place}: registers lie beyond their page of 4 KiB (CAP.FRO, CAP.NFR, ECAP.IRO)`);
  }
  return { cap, ecap, haw };
}

function parseRange(value: unknown, place: string): readonly [bigint, bigint] {
  const [from, to] = pair(value, place);
  if (from >= to || ((from | to) & 4095n) !== 0n) throw new Malformed(`${place} is no range of 4 KiB frames`);
  return [from, to];
}

export function parseCase(line: string, place: string, header: GoldenHeader): Result<GoldenCase> {
  return attempt(place, 'this is no case of a golden file', () => {
    const object = record(JSON.parse(line), 'the line');
    const regs = record(object['regs'], 'regs');
    const name = text(object['cfg'], 'cfg');
    const config = header.configs.get(name);
    if (config === undefined) throw new Malformed(`cfg ${name} is not in the header`);
    const golden = {
      id: number(object['id'], 'id'),
      config,
      kind: text(object['kind'], 'kind'),
      rtaddr: word(regs['rtaddr'], 'regs.rtaddr'),
      iqa: regs['iqa'] === undefined ? null : word(regs['iqa'], 'regs.iqa'),
      memory: writes(object['mem'], 'mem', header),
      steps: list(object['steps'], 'steps').map((step, i) => {
        return parseStep(record(step, `steps[${i}]`), `steps[${i}]`, header);
      }),
    };
    checkQueue(golden);
    return golden;
  });
}

/** The recording harness starts each case with an empty queue and does not go round it. */
function checkQueue({ iqa, steps }: GoldenCase): void {
  const words = ((iqa ?? 0n) & 0x800n) === 0n ? 2 : 4;
  const room = (512 << Number((iqa ?? 0n) & 7n)) / words;
  let used = 0;
  for (const [i, step] of steps.entries()) {
    if (step.op !== 'qi') continue;
    if (iqa === null) throw new Malformed(`steps[${i}] is for a queue, and regs has no iqa`);
    if (step.descriptors.some(({ length }) => length !== 2 && length !== words)) {
      throw new Malformed(`steps[${i}].desc has a descriptor that is not of ${words === 2 ? 2 : '2 or 4'} words`);
    }
    used += step.descriptors.length + 1;
    if (used >= room) throw new Malformed(`steps[${i}].desc: the queue has ${room} places, and a case may not fill it`);
  }
}

function writes(value: unknown, place: string, header: GoldenHeader): readonly MemoryWrite[] {
  return list(value, place).map((row, i) => {
    const write = pair(row, `${place}[${i}]`);
    checkAddress(write[0], `${place}[${i}]`, header);
    return write;
  });
}

function checkAddress(address: bigint, place: string, { ram }: GoldenHeader): void {
  if ((address & 7n) !== 0n) throw new Malformed(`${place}: the address is no multiple of 8`);
  if (ram.some(([from, to]) => address >= from && address < to)) return;
  throw new Malformed(`${place}: 0x${address.toString(16)} lies outside ram`);
}

function parseStep(step: Fields, place: string, header: GoldenHeader): GoldenStep {
  const { op } = step;
  if (op === 'mem') return { op, writes: writes(step['w'], `${place}.w`, header) };
  if (op !== 'dma' && op !== 'qi' && op !== 'reg' && op !== 'peek') {
    throw new Malformed(`${place}.op is none of dma, mem, qi, reg, peek`);
  }
  const qemu = record(step['qemu'], `${place}.qemu`);
  switch (op) {
    case 'dma':
      return {
        op,
        rid: number(step['rid'], `${place}.rid`, 0xffff),
        address: word(step['addr'], `${place}.addr`),
        write: boolean(step['write'], `${place}.write`),
        qemu: dmaOutcome(qemu, `${place}.qemu`),
      };
    case 'qi': {
      const descriptors = list(step['desc'], `${place}.desc`).map((row, i) => words(row, `${place}.desc[${i}]`));
      const wait = boolean(qemu['wait'], `${place}.qemu.wait`);
      const head = number(qemu['head'], `${place}.qemu.head`);
      return { op, descriptors, qemu: { wait, head, iqe: bit(qemu['iqe'], `${place}.qemu.iqe`) } };
    }
    case 'reg':
      return registerStep(step, qemu, place);
    case 'peek': {
      const addresses = words(step['addrs'], `${place}.addrs`);
      for (const [i, address] of addresses.entries()) checkAddress(address, `${place}.addrs[${i}]`, header);
      const values = words(qemu['values'], `${place}.qemu.values`);
      if (values.length !== addresses.length) throw new Malformed(`${place} has not as many values as addrs`);
      return { op, addresses, qemu: values };
    }
  }
}

function registerStep(step: Fields, qemu: Fields, place: string): GoldenStep {
  const register = step['ccmd'] === undefined ? 'iotlb' : 'ccmd';
  if (register === 'ccmd' && step['iotlb'] !== undefined) throw new Malformed(`${place} has both ccmd and iotlb`);
  return {
    op: 'reg',
    register,
    value: word(step[register], `${place}.${register}`),
    iva: step['iva'] === undefined ? null : word(step['iva'], `${place}.iva`),
    qemu: word(qemu['after'], `${place}.qemu.after`),
  };
}

function words(value: unknown, place: string): readonly bigint[] {
  return list(value, place).map((item, i) => word(item, `${place}[${i}]`));
}

function dmaOutcome(qemu: Fields, place: string): DmaOutcome {
  const has = ['ok', 'fault', 'blocked'].filter((name) => qemu[name] !== undefined);
  if (has.length === 0) throw new Malformed(`${place} has neither ok, fault nor blocked`);
  if (has.length > 1) throw new Malformed(`${place} has ${has.join(' and ')}`);
  if (has[0] === 'ok') return { ok: word(qemu['ok'], `${place}.ok`) };
  if (has[0] === 'blocked') {
    if (qemu['blocked'] !== true) throw new Malformed(`${place}.blocked is not true`);
    return { blocked: true };
  }
  return {
    fault: number(qemu['fault'], `${place}.fault`, 0xff),
    sid: number(qemu['sid'], `${place}.sid`, 0xffff),
    fi: word(qemu['fi'], `${place}.fi`),
    type: bit(qemu['type'], `${place}.type`),
    pp: bit(qemu['pp'], `${place}.pp`),
    pv: number(qemu['pv'], `${place}.pv`, MOST_PASID),
    fsts: number(qemu['fsts'], `${place}.fsts`, 0xffffffff),
  };
}

function attempt<T>(place: string, message: string, parse: () => T): Result<T> {
  try {
    return ok(parse());
  } catch (error) {
    if (!(error instanceof Malformed) && !(error instanceof SyntaxError)) throw error;
    const hint = 'the format is described in docs/conformance.md';
    const problem: InputError = { code: 'not-golden', place, message: `${message}: ${error.message}`, hint };
    return err(problem);
  }
}

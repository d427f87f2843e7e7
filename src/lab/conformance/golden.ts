/** Golden files: recorded answers of a VT-d unit, as JSON lines. The first line says how they were recorded, each other one is a case. */
import { err, type InputError, ok, type Result } from '../../base/result.ts';

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

/** What is wrong with a line: which key, and what is expected there. */
class Malformed extends Error {}

export function parseHeader(line: string, place: string): Result<GoldenHeader> {
  return attempt(place, 'the first line is no header of a golden file', () => {
    const object = record(JSON.parse(line), 'header');
    if (object['header'] !== 1) throw new Malformed('header is not 1');
    const configs = Object.entries(record(object['configs'], 'configs')).map(([name, value]) => {
      const config = record(value, `configs.${name}`);
      const haw = number(config['haw'], 'haw');
      if (haw < 32 || haw > 52) throw new Malformed('haw lies outside 32 to 52');
      return [name, { cap: word(config['cap'], 'cap'), ecap: word(config['ecap'], 'ecap'), haw }] as const;
    });
    const ram = list(object['ram'], 'ram').map((range) => pair(range, 'ram'));
    return { qemu: String(object['qemu']), ram, configs: new Map(configs) };
  });
}

export function parseCase(line: string, place: string, header: GoldenHeader): Result<GoldenCase> {
  return attempt(place, 'this is no case of a golden file', () => {
    const object = record(JSON.parse(line), 'case');
    const regs = record(object['regs'], 'regs');
    const name = String(object['cfg']);
    const config = header.configs.get(name);
    if (config === undefined) throw new Malformed(`cfg ${name} is not in the header`);
    return {
      id: number(object['id'], 'id'),
      config,
      kind: String(object['kind']),
      rtaddr: word(regs['rtaddr'], 'regs.rtaddr'),
      iqa: regs['iqa'] === undefined ? null : word(regs['iqa'], 'regs.iqa'),
      memory: list(object['mem'], 'mem').map((write) => aligned(write, 'mem')),
      steps: list(object['steps'], 'steps').map((step, i) => parseStep(record(step, `steps[${i}]`), `steps[${i}]`)),
    };
  });
}

function parseStep(step: Fields, place: string): GoldenStep {
  const { op } = step;
  if (op === 'mem') return { op, writes: list(step['w'], `${place}.w`).map((write) => aligned(write, `${place}.w`)) };
  const qemu = record(step['qemu'], `${place}.qemu`);
  switch (op) {
    case 'dma': {
      const rid = number(step['rid'], `${place}.rid`);
      if (rid > 0xffff) throw new Malformed(`${place}.rid is wider than 16 bits`);
      return {
        op,
        rid,
        address: word(step['addr'], `${place}.addr`),
        write: step['write'] === true,
        qemu: dmaOutcome(qemu, place),
      };
    }
    case 'qi': {
      const descriptors = list(step['desc'], `${place}.desc`).map((row) =>
        list(row, `${place}.desc`).map((value) => word(value, `${place}.desc`)),
      );
      const { head, iqe, wait } = qemu;
      return { op, descriptors, qemu: { wait: wait === true, head: number(head, 'head'), iqe: number(iqe, 'iqe') } };
    }
    case 'reg': {
      const register = step['ccmd'] === undefined ? 'iotlb' : 'ccmd';
      const iva = step['iva'] === undefined ? null : word(step['iva'], `${place}.iva`);
      return {
        op,
        register,
        value: word(step[register], `${place}.${register}`),
        iva,
        qemu: word(qemu['after'], 'after'),
      };
    }
    case 'peek': {
      const addresses = list(step['addrs'], `${place}.addrs`).map((value) => word(value, `${place}.addrs`));
      return { op, addresses, qemu: list(qemu['values'], 'values').map((value) => word(value, 'values')) };
    }
    default:
      throw new Malformed(`${place}.op is none of dma, mem, qi, reg, peek`);
  }
}

function dmaOutcome(qemu: Fields, place: string): DmaOutcome {
  if (qemu['ok'] !== undefined) return { ok: word(qemu['ok'], `${place}.qemu.ok`) };
  if (qemu['fault'] === undefined) {
    if (qemu['blocked'] !== true) throw new Malformed(`${place}.qemu has neither ok, fault nor blocked`);
    return { blocked: true };
  }
  const field = (name: string) => number(qemu[name], `${place}.qemu.${name}`);
  return {
    fault: field('fault'),
    sid: field('sid'),
    fi: word(qemu['fi'], `${place}.qemu.fi`),
    type: field('type'),
    pp: field('pp'),
    pv: field('pv'),
    fsts: field('fsts'),
  };
}

type Fields = Readonly<Record<string, unknown>>;

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

function record(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Malformed(`${name} is no object`);
  return value as Fields;
}

function list(value: unknown, name: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Malformed(`${name} is no list`);
  return value;
}

function number(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new Malformed(`${name} is no whole number`);
  }
  return value;
}

/** 64 bits as a hexadecimal string. */
function word(value: unknown, name: string): bigint {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{1,16}$/.test(value)) {
    throw new Malformed(`${name} is no hexadecimal string of 64 bits ("0x…")`);
  }
  return BigInt(value);
}

function pair(value: unknown, name: string): readonly [bigint, bigint] {
  const [a, b] = list(value, name);
  return [word(a, name), word(b, name)];
}

function aligned(value: unknown, name: string): MemoryWrite {
  const write = pair(value, name);
  if ((write[0] & 7n) !== 0n) throw new Malformed(`${name}: an address is no multiple of 8`);
  return write;
}

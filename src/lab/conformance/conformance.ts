/** Golden files against the VT-d model: one file after the other, in chunks; memory flat in its size. */

import { err, type InputError, ok, type Result } from '../../base/result.ts';
import { NO_PASID, ownerOf, READ, WRITE } from '../../hw/index.ts';
import { DEVIATIONS } from './deviations.ts';
import { type Explanation, explain } from './explain.ts';
import {
  type DmaOutcome,
  type GoldenCase,
  type GoldenHeader,
  type GoldenStep,
  parseCase,
  parseHeader,
  versionOf,
} from './golden.ts';
import { type Answer, GoldenMachine } from './machine.ts';
import { sameOutcome } from './trial.ts';

/** A step whose difference has no name. */
export interface Disagreement {
  readonly id: number;
  /** Index in the case's steps. */
  readonly step: number;
  readonly ours: string;
  readonly theirs: string;
}

export interface ClassCount {
  /** Outcome class of QEMU's: `ok`, `blocked`, `fault 0x05`, `queue`, `register`, `flags`. */
  readonly outcome: string;
  readonly kind: string;
  readonly steps: number;
  readonly agree: number;
}

export interface ConformanceFile {
  readonly file: string;
  readonly cases: number;
  /** Steps that have an answer. */
  readonly steps: number;
  readonly agree: number;
  /** Steps under each name; a step may be under several. */
  readonly deviations: Readonly<Record<string, number>>;
  /** Steps of which at least one deviation is `unsure`. */
  readonly unsure: number;
  readonly classes: readonly ClassCount[];
  readonly disagree: readonly Disagreement[];
}

/** Names of differences in flags of paging entries (A and D), which are no answers to an access. */
const REFUSED_SETS_NO_FLAG = 'rights-at-each-level';
const ONE_FLAG_ONLY = 'one-flag-only';

/** All deviations, those of accesses and the one of flags. */
export const DEVIATION_TABLE = [
  ...DEVIATIONS.map(({ id, right, rule, why }) => ({ id, right, rule, why })),
  {
    id: ONE_FLAG_ONLY,
    right: 'ours',
    rule: 'an access sets A in each entry on its way, and D in the leaf of a write',
    why: 'the emulation leaves an entry as it is when one of the two flags is set',
  },
] as const;

const SIDES = new Map<string, string>(DEVIATION_TABLE.map(({ id, right }) => [id, right]));
/** Longer lines are no cases: a hostile file must not fill memory. */
const MOST_LINE_BYTES = 16 * 2 ** 20;

export interface Conformance {
  push(chunk: Uint8Array): Result<void>;
  end(): Result<ConformanceFile>;
}

export function createConformance(file: string): Conformance {
  return new FileConformance(file);
}

class FileConformance implements Conformance {
  private readonly file: string;
  private rest = '';
  private lines = 0;
  private header: GoldenHeader | null = null;
  private cases = 0;
  private steps = 0;
  private agree = 0;
  private unsure = 0;
  private readonly deviations = new Map<string, number>();
  private readonly classes = new Map<string, { outcome: string; kind: string; steps: number; agree: number }>();
  private readonly disagree: Disagreement[] = [];

  constructor(file: string) {
    this.file = file;
  }

  push(chunk: Uint8Array): Result<void> {
    if (this.lines === 0 && this.rest === '' && isXz(chunk)) {
      const hint = 'unpack it: xz -dc FILE | tablewalk conformance -';
      return err({ code: 'packed', place: this.file, message: 'this file is packed with xz', hint });
    }
    const isStart = this.lines === 0 && this.rest === '';
    const hasMark = isStart && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf;
    const text = asciiText(hasMark ? chunk.subarray(3) : chunk);
    return text === null ? err(this.problem('not-text', 'this is no text')) : this.take(this.rest + text);
  }

  private take(text: string): Result<void> {
    const lines = text.split('\n');
    this.rest = lines.pop()!;
    if (this.rest.length > MOST_LINE_BYTES) return err(this.problem('long-line', 'a line is longer than 16 MiB'));
    for (const line of lines) {
      const taken = this.line(line);
      if (!taken.ok) return taken;
    }
    return ok(undefined);
  }

  end(): Result<ConformanceFile> {
    if (this.rest !== '') {
      const taken = this.line(this.rest);
      if (!taken.ok) return taken;
    }
    if (this.header === null) return err(this.problem('empty', 'there is nothing in this file'));
    const { agree, cases, disagree, file, steps, unsure } = this;
    const classes = [...this.classes.values()].sort((a, b) => b.steps - a.steps);
    const deviations = Object.fromEntries([...this.deviations].sort((a, b) => b[1] - a[1]));
    if (cases === 0) return err(this.problem('no-cases', 'there is a header, and no case behind it'));
    return ok({ file, cases, steps, agree, deviations, unsure, classes, disagree });
  }

  private problem(code: string, message: string): InputError {
    const hint = 'golden files are described in docs/conformance.md';
    return { code, place: `${this.file}:${this.lines + 1}`, message, hint };
  }

  private line(line: string): Result<void> {
    const place = `${this.file}:${++this.lines}`;
    if (line.trim() === '') return ok(undefined);
    if (this.header === null) {
      const header = parseHeader(line, place);
      if (!header.ok) return header;
      this.header = header.value;
      return ok(undefined);
    }
    const golden = parseCase(line, place, this.header);
    if (!golden.ok) return golden;
    this.cases++;
    this.runCase(this.header, golden.value);
    return ok(undefined);
  }

  private runCase(header: GoldenHeader, golden: GoldenCase): void {
    const run = new CaseRun(header, golden);
    for (const [index, step] of golden.steps.entries()) {
      const verdict = run.step(step, index);
      if (verdict === null) continue;
      this.steps++;
      const agrees = verdict.deviations !== null && verdict.deviations.length === 0;
      this.count(outcomeClass(step), kindOf(golden.kind), agrees);
      if (agrees) this.agree++;
      if (verdict.deviations === null) {
        this.disagree.push({ id: golden.id, step: index, ours: say(verdict.ours), theirs: say(verdict.theirs) });
        continue;
      }
      for (const id of verdict.deviations) this.deviations.set(id, (this.deviations.get(id) ?? 0) + 1);
      if (verdict.deviations.some((id) => SIDES.get(id) === 'unsure')) this.unsure++;
    }
  }

  private count(outcome: string, kind: string, agrees: boolean): void {
    const key = `${outcome} ${kind}`;
    let row = this.classes.get(key);
    if (row === undefined) {
      row = { outcome, kind, steps: 0, agree: 0 };
      this.classes.set(key, row);
    }
    row.steps++;
    if (agrees) row.agree++;
  }
}

interface Verdict {
  readonly ours: Answer;
  readonly theirs: Answer;
  /** None: they agree. Null: they differ, and no name fits. */
  readonly deviations: readonly string[] | null;
}

/** The steps of one case, and what of earlier ones later ones depend on. */
class CaseRun {
  private readonly golden: GoldenCase;
  private readonly machine: GoldenMachine;
  /** Accesses that met a cached translation without the right: source, page, direction. */
  private readonly narrow = new Set<string>();
  /** What explained the last access, where it deviated. */
  private explanation: Explanation | null = null;
  /** Words of entries before the last access. */
  private before: ReadonlyMap<bigint, bigint> = new Map();
  private wasRefused = false;
  private wasWrite = false;
  private readonly isOld: boolean;

  constructor(header: GoldenHeader, golden: GoldenCase) {
    this.golden = golden;
    const [major, minor] = versionOf(header);
    this.isOld = major < 9 || (major === 9 && minor < 2);
    this.machine = new GoldenMachine(header, golden);
  }

  step(step: GoldenStep, index: number): Verdict | null {
    if (step.op === 'dma') return this.access(step, index);
    const ours = this.machine.run(step, index);
    if (step.op === 'peek') return this.flags(step.addresses, ours as readonly bigint[], step.qemu);
    // What is peeked at from here on is not what the last access left.
    this.explanation = null;
    this.before = new Map();
    this.wasRefused = false;
    if (step.op === 'mem') return null;
    const theirs: Answer = step.qemu;
    return { ours, theirs, deviations: say(ours) === say(theirs) ? [] : null };
  }

  private access(step: Extract<GoldenStep, { op: 'dma' }>, index: number): Verdict {
    const { golden, machine } = this;
    // As it is before the access, which may set flags.
    const next = golden.steps[index + 1];
    const looked = next?.op === 'peek' ? next.addresses : [];
    this.before = new Map(looked.map((address) => [address, machine.memory.read(address)]));
    const hasNarrow = this.hasNarrow(step);
    const ours = machine.run(step, index) as DmaOutcome;
    this.explanation = null;
    this.wasRefused = machine.unit.reason !== 0;
    this.wasWrite = step.write;
    if (sameOutcome(ours, step.qemu)) return { ours, theirs: step.qemu, deviations: [] };
    const context = { hasNarrow, isOld: this.isOld };
    this.explanation = explain(golden, this.unflagged(), step, ours, step.qemu, context);
    return { ours, theirs: step.qemu, deviations: this.explanation?.deviations ?? null };
  }

  /**
   * Whether the IOTLB has a translation that lacks the right for the access; or had one, which our unit has replaced since, and which
   * no invalidation has dropped.
   */
  private hasNarrow({ address, rid, write }: Extract<GoldenStep, { op: 'dma' }>): boolean {
    const known = this.machine.unit.state.caches.lookUp(ownerOf(rid), NO_PASID, Number(address >> 12n));
    const key = `${rid} ${address >> 12n} ${write}`;
    const need = write ? WRITE : READ;
    const isNarrow = known !== null && ((known.rights & need) === 0 || this.narrow.has(key));
    if (isNarrow) this.narrow.add(key);
    else this.narrow.delete(key);
    return isNarrow;
  }

  /** Memory as it was before the last access set flags. */
  private unflagged() {
    for (const [address, value] of this.before) this.machine.memory.write(address, value);
    return this.machine.memory;
  }

  /** A and D of the entries on the way of the last access. */
  private flags(addresses: readonly bigint[], ours: readonly bigint[], theirs: readonly bigint[]): Verdict {
    if (this.explanation === null && isSame(ours, theirs)) return { ours, theirs, deviations: [] };
    const trial = this.explanation?.trial;
    const varied = trial === undefined ? ours : addresses.map((address) => trial.memory.value(address));
    const names = this.explanation?.deviations ?? [];
    if (isSame(varied, theirs)) return { ours: varied, theirs, deviations: isSame(varied, ours) ? [] : names };
    const before = addresses.map((address) => this.before.get(address) ?? -1n);
    if (before.includes(-1n)) return { ours, theirs, deviations: null };
    if (this.wasRefused && isSame(asRefused(before, varied, this.wasWrite), theirs)) {
      return { ours, theirs, deviations: [...new Set([...names, REFUSED_SETS_NO_FLAG])] };
    }
    const leaf = addresses.length - 1;
    const isOther = (word: bigint) => ((word >> 5n) & 1n) !== ((word >> 6n) & 1n);
    const isLeafOnly = varied.every((word, i) => i === leaf || word === theirs[i]);
    const isLeft = theirs[leaf] === before[leaf] && isOther(before[leaf]!);
    return { ours, theirs, deviations: isLeafOnly && isLeft ? [...names, ONE_FLAG_ONLY] : null };
  }
}

function isSame(a: readonly bigint[], b: readonly bigint[]): boolean {
  return a.every((word, i) => word === b[i]);
}

/** `ours`, but from the first present entry on that lacks the right the words are as they were. */
function asRefused(before: readonly bigint[], ours: readonly bigint[], isWrite: boolean): readonly bigint[] {
  const need = isWrite ? 7n : 5n;
  const from = before.findIndex((word) => (word & 1n) === 1n && (word & need) !== need);
  return from === -1 ? ours : [...ours.slice(0, from), ...before.slice(from)];
}

function outcomeClass(step: GoldenStep): string {
  switch (step.op) {
    case 'dma':
      if ('ok' in step.qemu) return 'ok';
      return 'blocked' in step.qemu ? 'blocked' : `fault 0x${step.qemu.fault.toString(16).padStart(2, '0')}`;
    case 'qi':
      return 'queue';
    case 'reg':
      return 'register';
    default:
      return 'flags';
  }
}

/** A kind without the bit, level and sequence that make each case another. */
function kindOf(kind: string): string {
  const [first = ''] = kind.split(/[&/]/);
  return first.replace(/-(bit\d+|L\d.*)$/g, '').replace(/-(bit\d+|L\d.*)$/g, '');
}

/** An answer as JSON, 64-bit numbers as hexadecimal strings. */
function say(answer: Answer): string {
  return JSON.stringify(answer, (_, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value));
}

/** Golden files are ASCII. Null: other bytes are in it. */
function asciiText(bytes: Uint8Array): string | null {
  const PIECE = 8192;
  let text = '';
  for (let from = 0; from < bytes.length; from += PIECE) {
    const piece = bytes.subarray(from, from + PIECE);
    if (piece.some((byte) => byte >= 0x80 || byte === 0)) return null;
    text += String.fromCharCode(...piece);
  }
  return text;
}

function isXz(chunk: Uint8Array): boolean {
  return [0xfd, 0x37, 0x7a, 0x58, 0x5a].every((byte, i) => chunk[i] === byte);
}

/**
 * Event names and their counts. A name is interned as the trace writes it (`map`, perf's `iommu:map`, `sys_mmap(`), and counted
 * under the name we show; two spellings of one event are added up in the end.
 */

import { printable } from '../base/result.ts';
import { ascii, hashName } from './bytes.ts';
import { ByteInterner } from './intern.ts';
import { isKnownTracepoint, qualifiedEventName } from './tracepoints.ts';

/** What a name tells about its line. */
export type NameKind = typeof PLAIN | typeof MAP | typeof UNMAP | typeof MARKER | typeof FUNCTION | typeof STACK;
export const PLAIN = 0;
export const MAP = 1;
export const UNMAP = 2;
export const MARKER = 3;
export const FUNCTION = 4;
export const STACK = 5;

const KINDS: ReadonlyMap<string, NameKind> = new Map<string, NameKind>([
  ['map', MAP],
  ['iommu:map', MAP],
  ['unmap', UNMAP],
  ['iommu:unmap', UNMAP],
  // trace_marker: in ftrace text, in trace-cmd's report and perf's; trace_printk as trace-cmd names it; trace_marker_raw.
  ['tracing_mark_write', MARKER],
  ['print', MARKER],
  ['ftrace:print', MARKER],
  ['bprint', MARKER],
  ['bputs', MARKER],
  ['raw_data', MARKER],
  // trace-cmd's names for what the function tracers record.
  ['function', FUNCTION],
  ['funcgraph_entry', FUNCTION],
  ['funcgraph_exit', FUNCTION],
  ['kernel_stack', STACK],
  ['user_stack', STACK],
]);

const MAX_NAMES = 1000;
/** Longer names share the place of those past the limit. */
export const MAX_NAME_BYTES = 100;
const OTHER = 'other events';

export class EventNames {
  readonly #names = new ByteInterner(MAX_NAMES);
  readonly #kinds = new Uint8Array(MAX_NAMES + 1);
  readonly #known = new Uint8Array(MAX_NAMES + 1);
  readonly #shown: string[] = [];
  /** As this event; and as something else of this name, for a kprobe named like a tracepoint. */
  readonly counts = new Float64Array(MAX_NAMES + 1);
  readonly foreign = new Float64Array(MAX_NAMES + 1);

  /** Of `map` and `unmap`, for the reader that knows them without looking them up. */
  readonly mapId: number;
  readonly unmapId: number;

  constructor() {
    // First, so that a trace full of invented names cannot crowd them out.
    for (const name of KINDS.keys()) this.internName(ascii(name), 0, name.length);
    this.mapId = this.internName(ascii('map'), 0, 3);
    this.unmapId = this.internName(ascii('unmap'), 0, 5);
  }

  intern(b: Uint8Array, start: number, end: number, hash: number): number {
    if (end - start > MAX_NAME_BYTES) return MAX_NAMES;
    const before = this.#names.size;
    const id = this.#names.intern(b, start, end, 0, hash);
    if (id < 0) return MAX_NAMES;
    if (id === before) this.#describe(id);
    return id;
  }

  internName(b: Uint8Array, start: number, end: number): number {
    return this.intern(b, start, end, hashName(b, start, end));
  }

  kind(id: number): number {
    return this.#kinds[id]!;
  }

  isKnown(id: number): boolean {
    return this.#known[id] === 1;
  }

  /** Events by the name we show, largest count first, then by name. */
  totals(): Record<string, number> {
    const totals = new Map<string, number>();
    const add = (name: string, count: number): void => {
      if (count > 0) totals.set(name, (totals.get(name) ?? 0) + count);
    };
    for (let id = 0; id < this.#names.size; id++) {
      add(this.#shown[id]!, this.counts[id]!);
      add(printable(this.#names.text(id)), this.foreign[id]!);
    }
    add(OTHER, this.counts[MAX_NAMES]! + this.foreign[MAX_NAMES]!);
    const sorted = [...totals].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    // fromEntries defines: an event named `__proto__` is a key like any other.
    return Object.fromEntries(sorted);
  }

  #describe(id: number): void {
    const name = this.#names.text(id);
    this.#kinds[id] = KINDS.get(name) ?? PLAIN;
    // ftrace writes system calls as `sys_mmap(addr: …)` and `sys_mmap -> 0x…`.
    const call = /^sys_([a-z0-9_]+)( ->|\()$/.exec(name);
    this.#shown[id] = call
      ? `syscalls:sys_${call[2] === '(' ? 'enter' : 'exit'}_${call[1]}`
      : printable(qualifiedEventName(name));
    this.#known[id] = call || isKnownTracepoint(name) ? 1 : 0;
  }
}

/**
 * What a program of the corpus can come to, found without any of the checker: its states, breadth first, by a second
 * implementation of what operations mean. Under TSO each thread has a buffer of stores and lock releases, written out here
 * once more.
 */
import { FREED, LOCKS, type Op, type Outcome, printOutcome, type Reads, type Spec } from './spec.ts';

type Lock = { readonly lock: 'spin' | 'mutex' | 'read' | 'write'; readonly index: number };
type Instruction =
  | Exclude<Op, { kind: 'locked' | 'ifEqual' | 'whichever' }>
  | ({ readonly kind: 'acquire' | 'release' } & Lock)
  /** Loads, and passes over `length` instructions if the value is another. */
  | { readonly kind: 'jump' | 'jumpIf0'; readonly length: number }
  | { readonly kind: 'loadUnless'; readonly cell: number; readonly value: number; readonly length: number };

type Buffered = { readonly cell: number; readonly value: number } | Lock;

interface State {
  readonly pcs: number[];
  readonly seen: number[];
  readonly reads: Reads[];
  readonly memory: number[];
  readonly freed: boolean[];
  /** Owners of spinlocks, then of mutexes, then the writer of the rwlock; -1: nobody. */
  readonly owners: number[];
  readonly readers: number[];
  readonly queue: number[];
  /** By thread; empty under sequential consistency. */
  readonly buffers: Buffered[][];
}

export interface Possible {
  /** By how they are printed. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** Contents of memory in any state, joined by commas. */
  readonly contents: ReadonlySet<string>;
}

/** Null: there are more than `limit` states. */
export function interpret(spec: Spec, limit: number): Possible | null {
  const codes = spec.threads.map((ops) => compile(ops));
  const outcomes = new Map<string, Outcome>();
  const contents = new Set<string>();
  const first = initial(spec);
  const known = new Set([JSON.stringify(first)]);
  for (const queue = [first]; queue.length > 0; ) {
    const state = queue.pop()!;
    contents.add(state.memory.join(','));
    const next = successors(spec, codes, state);
    if (next.length === 0) {
      const outcome = outcomeOf(codes, state);
      outcomes.set(printOutcome(outcome), outcome);
    }
    for (const successor of next) {
      const key = JSON.stringify(successor);
      if (known.has(key)) continue;
      known.add(key);
      queue.push(successor);
    }
    if (known.size > limit) return null;
  }
  return { outcomes, contents };
}

function compile(ops: readonly Op[]): Instruction[] {
  return ops.flatMap((op): Instruction[] => {
    if (op.kind === 'take') return [{ kind: 'fence' }, op];
    if (op.kind === 'whichever') return compileEither(op.inner, op.other);
    if (op.kind !== 'ifEqual' && op.kind !== 'locked') return [op];
    const inner = compile(op.inner);
    if (op.kind === 'ifEqual') {
      return [{ kind: 'loadUnless', cell: op.cell, value: op.value, length: inner.length }, ...inner];
    }
    const { lock, index } = op;
    return [{ kind: 'acquire', lock, index }, ...inner, { kind: 'release', lock, index }];
  });
}

/** Jumps are local: a state more changes no outcome. */
function compileEither(ops: readonly Op[], others: readonly Op[]): Instruction[] {
  const [inner, other] = [compile(ops), compile(others)];
  const jumpOver = { kind: 'jump', length: other.length } as const;
  return [{ kind: 'choose' }, { kind: 'jumpIf0', length: inner.length + 1 }, ...inner, jumpOver, ...other];
}

function initial({ threads, cells }: Spec): State {
  return {
    pcs: threads.map(() => 0),
    seen: threads.map(() => 0),
    reads: threads.map(() => []),
    memory: new Array<number>(cells).fill(0),
    freed: new Array<boolean>(cells).fill(false),
    owners: new Array<number>(2 * LOCKS + 1).fill(-1),
    readers: threads.map(() => 0),
    queue: [],
    buffers: threads.map(() => []),
  };
}

function outcomeOf(codes: readonly Instruction[][], { pcs, memory, reads }: State): Outcome {
  const stuck = pcs.flatMap((pc, thread) => codes[thread]![pc] ?? []);
  const end = stuck.length === 0 ? 'ended' : stuck.some(({ kind }) => kind === 'retry') ? 'livelock' : 'deadlock';
  return { end, memory, reads };
}

function successors(spec: Spec, codes: readonly Instruction[][], state: State): State[] {
  const next: State[] = [];
  for (const [thread, code] of codes.entries()) {
    const instruction = code[state.pcs[thread]!];
    if (instruction !== undefined && canRun(state, thread, instruction)) {
      for (const choice of instruction.kind === 'choose' ? [0, 1] : [0]) {
        const step = new Step(copy(state), thread, spec.memory === 'tso', code.length);
        step.run(instruction, choice);
        next.push(step.state);
      }
    }
    if (state.buffers[thread]!.length > 0) {
      const flushed = copy(state);
      reachMemory(flushed, thread, flushed.buffers[thread]!.shift()!);
      next.push(flushed);
    }
  }
  return next;
}

function copy({ pcs, seen, reads, memory, freed, owners, readers, queue, buffers }: State): State {
  return {
    pcs: [...pcs],
    seen: [...seen],
    reads: [...reads],
    memory: [...memory],
    freed: [...freed],
    owners: [...owners],
    readers: [...readers],
    queue: [...queue],
    buffers: buffers.map((buffer) => [...buffer]),
  };
}

const WRITER = 2 * LOCKS;

function ownerIndex({ lock, index }: Lock): number {
  if (lock === 'spin') return index;
  return lock === 'mutex' ? LOCKS + index : WRITER;
}

/** What a thread reads in a cell: its own newest buffered store, else memory. */
function visible({ buffers, memory }: State, thread: number, cell: number): number {
  const own = buffers[thread]!.findLast((store) => 'cell' in store && store.cell === cell);
  return own !== undefined && 'cell' in own ? own.value : memory[cell]!;
}

function canRun(state: State, thread: number, instruction: Instruction): boolean {
  const { memory, owners, readers, queue } = state;
  const drained = state.buffers[thread]!.length === 0;
  switch (instruction.kind) {
    case 'add':
    case 'exchange':
    case 'compareExchange':
    case 'put':
    case 'free':
    case 'fence':
      return drained;
    case 'take':
      return queue.length > 0;
    case 'until':
      return memory[instruction.cell] === instruction.value;
    case 'untilBoth':
      return instruction.cells.every((cell, i) => memory[cell] === instruction.values[i]);
    case 'retry':
      return state.freed[instruction.cell]! || visible(state, thread, instruction.cell) === instruction.value;
    case 'acquire': {
      const free = owners[ownerIndex(instruction)] === -1;
      return drained && free && (instruction.lock !== 'write' || readers.every((count) => count === 0));
    }
    default:
      return true;
  }
}

function reachMemory(state: State, thread: number, entry: Buffered): void {
  if ('cell' in entry) state.memory[entry.cell] = entry.value;
  else if (entry.lock === 'read') state.readers[thread]!--;
  else state.owners[ownerIndex(entry)] = -1;
}

/** One instruction of one thread, on a state of its own. */
class Step {
  readonly state: State;
  private readonly thread: number;
  private readonly isTso: boolean;
  private readonly codeLength: number;

  constructor(state: State, thread: number, isTso: boolean, codeLength: number) {
    this.state = state;
    this.thread = thread;
    this.isTso = isTso;
    this.codeLength = codeLength;
  }

  run(instruction: Instruction, choice: number): void {
    const { state, thread } = this;
    state.pcs[thread]!++;
    if (this.touchesFreed(instruction)) {
      state.pcs[thread] = this.codeLength;
      state.reads[thread] = [...state.reads[thread]!, FREED];
      return;
    }
    if (instruction.kind === 'jump' || instruction.kind === 'jumpIf0') {
      const jumps = instruction.kind === 'jump' || state.seen[thread] === 0;
      if (jumps) state.pcs[thread]! += instruction.length;
      return;
    }
    const seen = instruction.kind === 'choose' ? choice : this.act(instruction);
    if (seen === undefined) return;
    state.seen[thread] = seen;
    state.reads[thread] = [...state.reads[thread]!, seen];
    if (instruction.kind === 'loadUnless' && seen !== instruction.value) state.pcs[thread]! += instruction.length;
  }

  /** A condition looks at cells without touching them. */
  private touchesFreed(instruction: Instruction): boolean {
    const { freed } = this.state;
    if (!('cell' in instruction) || instruction.kind === 'until') return false;
    if (freed[instruction.cell]!) return true;
    return instruction.kind === 'atomic' && this.storesNow(instruction) && freed[instruction.other]!;
  }

  private storesNow({ cell, value }: { readonly cell: number; readonly value: number }): boolean {
    return this.load(cell) === value;
  }

  /** Does it; what the thread sees, if anything. */
  private act(instruction: Instruction): number | undefined {
    const { state } = this;
    switch (instruction.kind) {
      case 'load':
      case 'loadUnless':
        return this.load(instruction.cell);
      case 'add':
      case 'exchange':
      case 'compareExchange':
        return this.modify(instruction.cell, instruction);
      case 'take':
        return state.queue.shift();
      case 'put':
        state.queue.push(instruction.value);
        return undefined;
      case 'free':
        state.freed[instruction.cell] = true;
        return undefined;
      case 'acquire':
        if (instruction.lock === 'read') state.readers[this.thread]!++;
        else state.owners[ownerIndex(instruction)] = this.thread;
        return undefined;
      default:
        this.storeBy(instruction);
        return undefined;
    }
  }

  /** Read-modify-writes: memory itself, since the buffer is empty. */
  private modify(cell: number, instruction: Instruction): number | undefined {
    const { memory } = this.state;
    const before = memory[cell]!;
    if (instruction.kind === 'add') {
      memory[cell] = before + 1;
      return before + 1;
    }
    if (instruction.kind === 'exchange') {
      memory[cell] = instruction.value;
      return before;
    }
    if (instruction.kind !== 'compareExchange') return undefined;
    if (before !== instruction.expected) return 0;
    memory[cell] = instruction.value;
    return 1;
  }

  /** What goes through the store buffer. */
  private storeBy(instruction: Instruction): void {
    const { seen } = this.state;
    if (instruction.kind === 'store') this.store({ cell: instruction.cell, value: instruction.value });
    else if (instruction.kind === 'storeSeen') this.store({ cell: instruction.cell, value: seen[this.thread]! + 1 });
    else if (instruction.kind === 'release') this.store({ lock: instruction.lock, index: instruction.index });
    else if (instruction.kind === 'atomic' && this.storesNow(instruction)) {
      this.store({ cell: instruction.other, value: instruction.value + 1 });
    }
  }

  private load(cell: number): number {
    return visible(this.state, this.thread, cell);
  }

  private store(entry: Buffered): void {
    if (this.isTso) this.state.buffers[this.thread]!.push(entry);
    else reachMemory(this.state, this.thread, entry);
  }
}

/**
 * TLBs of two CPUs under the checker: an unmap that other CPUs are told of by an interrupt, and a PCID that another address space gets. What
 * goes wrong shows as use of a frame that was freed.
 */
import { describe, expect, it } from 'vitest';
import { Cell, type Flow, LOCKED, until, type World } from '../../src/base/index.ts';
import { atEnd, check, type MemoryModel, type Program } from '../../src/check/index.ts';
import {
  accessMemory,
  Cpu,
  INVLPG,
  INVPCID,
  INVPCID_TYPE,
  type InterruptRequest,
  interruptThread,
  Mmu,
  MOV_CR3,
  RecordedMemory,
  speculate,
} from '../../src/hw/index.ts';
import { leaf, Tables } from './support.ts';

const PAGE = 5;
const ACCESSED = 1n << 5n;

type Shootdown = 'waits' | 'frees first' | 'sends nothing';
type Handler = (mmu: Mmu) => Flow<unknown>;

/** What CPU 1 can do when it is told, and whether that is enough. */
const HANDLERS: Readonly<Record<string, readonly ['holds' | 'violated', Handler]>> = {
  INVLPG: ['holds', (mmu) => INVLPG(mmu, PAGE)],
  'INVPCID 0': ['holds', (mmu) => INVPCID(mmu, INVPCID_TYPE.ADDRESS, { pcid: 1, page: PAGE })],
  'INVPCID 1': ['holds', (mmu) => INVPCID(mmu, INVPCID_TYPE.SINGLE, { pcid: 1 })],
  'INVPCID 3': ['holds', (mmu) => INVPCID(mmu, INVPCID_TYPE.ALL, { pcid: 0 })],
  'MOV to CR3': ['holds', (mmu) => MOV_CR3(mmu, mmu.CR3.peek())],
  'INVLPG of another page': ['violated', (mmu) => INVLPG(mmu, PAGE + 1)],
  'INVPCID 1 of another PCID': ['violated', (mmu) => INVPCID(mmu, INVPCID_TYPE.SINGLE, { pcid: 2 })],
  'MOV to CR3 with NOFLUSH': ['violated', (mmu) => MOV_CR3(mmu, mmu.CR3.peek(), true)],
};

/** CPU 0 unmaps a page and frees its frame; a thread on CPU 1 reads the page twice. */
function shootdown(world: World, how: Shootdown, handler: Handler): Program {
  const memory = new RecordedMemory(world);
  const tables = new Tables(memory);
  const frame = memory.allocFrame();
  // Not accessed yet: the walk has a flag to set in an entry that is being cleared.
  tables.set(PAGE, leaf(frame) & ~ACCESSED);
  const leafTable = tables.tableFor(PAGE, 0);
  const cpu1 = new Cpu(world, 1);
  const mmu = new Mmu(cpu1, memory, { frame: tables.root, pcid: 1 });
  const pending = new Cell(world, 'flush of CPU 1 is pending', 1);
  const request: InterruptRequest = { name: 'flush', handler: () => flush(), pending };

  function* flush(): Flow<void> {
    yield* handler(mmu);
  }

  function* unmap(): Flow<void> {
    yield;
    memory.clear(leafTable, PAGE);
    if (how !== 'sends nothing') {
      yield LOCKED;
      cpu1.interrupts.put(request);
    }
    if (how === 'waits') yield until(world, 'the flush', () => pending.peek() === 0);
    yield LOCKED;
    memory.freeFrame(frame);
  }

  function* reader(): Flow<void> {
    for (let turn = 0; turn < 2; turn++) {
      const { exception } = yield* accessMemory(mmu, { page: PAGE, user: true }, (pfn) => {
        memory.lo(memory.locate(pfn, 0));
      });
      if (exception !== null) {
        world.reach('page fault');
        return;
      }
      world.reach(`read ${turn + 1}`);
    }
  }

  return {
    threads: { unmap: unmap(), reader: reader(), 'cpu1 interrupts': { daemon: interruptThread(cpu1) } },
    always: { 'what was unmapped stays unmapped': atEnd(() => memory.peekLo(leafTable, PAGE) === 0) },
    reachable: how === 'waits' ? ['page fault', 'read 1', 'read 2'] : [],
  };
}

function expectVerdict(verdict: 'holds' | 'violated', memory: MemoryModel, program: (world: World) => Program): void {
  const result = check({ name: 'TLBs', expect: verdict, memory, program }, { minimise: 0 });
  const message = verdict === 'holds' ? 'in every execution' : expect.stringMatching(/after it was freed/);
  expect([result.verdict, result.message]).toEqual([verdict, message]);
}

describe('a TLB shootdown', () => {
  for (const memory of ['sc', 'tso'] as const) {
    for (const [what, [verdict, handler]] of Object.entries(HANDLERS)) {
      const result = verdict === 'holds' ? 'leaves no use of the freed frame' : 'lets the CPU use the freed frame';
      it(`by ${what} that is waited for ${result} (${memory})`, () => {
        expectVerdict(verdict, memory, (world) => shootdown(world, 'waits', handler));
      });
    }
  }

  for (const how of ['frees first', 'sends nothing'] as const) {
    it(`that ${how} lets the CPU use the freed frame`, () => {
      expectVerdict('violated', 'sc', (world) => shootdown(world, how, HANDLERS['INVLPG']![1]));
    });
  }
});

type Reuse = 'NOFLUSH' | 'flushed by MOV to CR3' | 'flushed by INVPCID';

/** An address space ends and its frames go; the next one gets its PCID. The CPU fills its TLB when it likes, before the switch too. */
function reuse(world: World, how: Reuse): Program {
  const memory = new RecordedMemory(world);
  const old = new Tables(memory);
  const next = new Tables(memory);
  const frames = [old, next].map((tables) => {
    const frame = memory.allocFrame();
    tables.set(PAGE, leaf(frame));
    return frame;
  });
  const mmu = new Mmu(new Cpu(world, 0), memory, { frame: old.root, pcid: 1 });

  function* task(): Flow<void> {
    if (how === 'flushed by INVPCID') {
      yield* MOV_CR3(mmu, { frame: next.root, pcid: 2 }, true);
      yield* INVPCID(mmu, INVPCID_TYPE.SINGLE, { pcid: 1 });
    }
    yield* MOV_CR3(mmu, { frame: next.root, pcid: 1 }, how !== 'flushed by MOV to CR3');
    yield;
    memory.freeFrame(frames[0]!);
    const { exception } = yield* accessMemory(mmu, { page: PAGE, user: true }, (pfn) => {
      memory.lo(memory.locate(pfn, 0));
    });
    if (exception === null) world.reach('read');
  }

  return {
    threads: { task: task(), ahead: speculate(mmu, { page: PAGE, user: true }) },
    reachable: how === 'NOFLUSH' ? [] : ['read'],
  };
}

describe('a PCID that another address space gets', () => {
  const cases: readonly (readonly [Reuse, 'holds' | 'violated'])[] = [
    ['NOFLUSH', 'violated'],
    ['flushed by MOV to CR3', 'holds'],
    ['flushed by INVPCID', 'holds'],
  ];
  for (const [how, verdict] of cases) {
    it(`${how}: ${verdict === 'holds' ? 'reads its own frames' : 'reads a frame of the former one'}`, () => {
      expectVerdict(verdict, 'sc', (world) => reuse(world, how));
    });
  }
});

describe('what has nothing to do with each other', () => {
  /** Executions that two things on one CPU have: one class if no step of them conflicts. */
  function classes(other: (mmu: Mmu) => Flow<unknown>): number {
    const program = (world: World): Program => {
      const memory = new RecordedMemory(world);
      const tables = new Tables(memory);
      for (const page of [PAGE, PAGE + 1, FAR]) tables.set(page, leaf(1000 + page));
      const mmu = new Mmu(new Cpu(world, 0), memory, { frame: tables.root, pcid: 1 });
      return { threads: { walk: speculate(mmu, { page: PAGE, user: true }), other: other(mmu) } };
    };
    return check({ name: 'apart', expect: 'holds', program }).executions;
  }
  /** In another 1 GiB: INVLPG counts for pages of all sizes around its address. */
  const FAR = 512 ** 2;

  it('is looked at in one order: walks of two pages, and INVLPG or INVPCID of a page far away', () => {
    expect(classes((mmu) => speculate(mmu, { page: PAGE + 1, user: true }))).toBe(1);
    expect(classes((mmu) => INVLPG(mmu, FAR))).toBe(1);
    expect(classes((mmu) => INVPCID(mmu, INVPCID_TYPE.ADDRESS, { pcid: 2, page: PAGE }))).toBe(1);
  });

  it('is told from what does: INVLPG of the page that is walked', () => {
    expect(classes((mmu) => INVLPG(mmu, PAGE))).toBeGreaterThan(1);
  });
});

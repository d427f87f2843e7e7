/** CPUs map and unmap in one domain, a device translates meanwhile, and tables come and go (thread 2023-12; docs/designs.md, table reclaim). */
import type { Flow, World } from '../../../base/index.ts';
import type { Program } from '../../../check/index.ts';
import type { AtRest } from '../../../kernel/index.ts';
import { DomainMachine, type DomainMachineOptions, TABLE } from '../domain-machine.ts';
import type { Build } from '../machine.ts';
import type { Scenario } from '../scenario.ts';

type Threads = Readonly<Record<string, Flow<void>>>;

export interface ReclaimShape extends DomainMachineOptions {
  /** What CPUs do, and others but the device. */
  readonly threads: (machine: DomainMachine) => Threads;
  /** Pages of the device's accesses. */
  readonly accesses?: readonly number[];
  /** What may be when all is quiet. */
  readonly atRest?: Partial<AtRest>;
  readonly reachable?: readonly string[];
  /** A design that frees emptied tables frees one here, in some execution. */
  readonly frees?: boolean;
  /** Marks that are reached where it does. */
  readonly reachableWhereFreed?: readonly string[];
}

export function reclaimProgram(shape: ReclaimShape): Scenario['program'] {
  return (world: World, kernel: Build): Program => {
    const machine = new DomainMachine(world, kernel, shape);
    const { accesses = [], atRest, frees = false, reachable = [], reachableWhereFreed = [] } = shape;
    const flows = Object.entries(shape.threads(machine)).map(([name, flow]) => [name, machine.cpu(flow)] as const);
    const threads: Record<string, Flow<void>> = Object.fromEntries(flows);
    if (accesses.length > 0) threads['device'] = machine.accesses(...accesses);
    const names = Object.keys(threads);
    threads['at rest'] = machine.atRest(names, atRest);
    const seen = accesses.length > 0 ? ['device: done'] : [];
    const freed = frees && machine.freesEmpty ? ['a table is freed', ...reachableWhereFreed] : [];
    return { threads, reachable: ['at rest', ...seen, ...reachable, ...freed] };
  };
}

export function reclaimScenario(name: string, about: string, bounds: string, shape: ReclaimShape): Scenario {
  return { name: `reclaim: ${name}`, source: 'thread 2023-12', about, bounds, program: reclaimProgram(shape) };
}

const ONE_CPU = 'one CPU, three levels of tables, a device with two accesses, an IOMMU that caches all it reads';
const TWO_CPUS = 'two CPUs, three levels of tables, a device with one access, an IOMMU that knows the way before';
const CPUS = 'two CPUs, three levels of tables, no device';
/** The tables of pages 0 and T have one parent. */
const T = TABLE;

/** One CPU, and a device that walks. */
const ALONE: readonly Scenario[] = [
  reclaimScenario('last page of a table', 'A CPU unmaps the last page of a table.', ONE_CPU, {
    frees: true,
    pages: [0],
    mapped: [[0, 1]],
    threads: (own) => ({ cpu0: own.unmap(0) }),
    accesses: [0, 0],
  }),
  reclaimScenario('a range over two tables', 'A CPU unmaps the last pages of two tables at once.', ONE_CPU, {
    frees: true,
    pages: [T - 1, T],
    mapped: [
      [T - 1, 2],
      [2 * T, 1],
    ],
    threads: (own) => ({ cpu0: own.unmap(T - 1, 2) }),
    accesses: [T, T],
  }),
  reclaimScenario('large page over an emptied table', 'A CPU unmaps a page and maps a large one there.', ONE_CPU, {
    frees: true,
    pages: [0],
    mapped: [[0, 1]],
    threads: (own) => ({ cpu0: inTurn(own.unmap(0), () => own.map(0, T)) }),
    accesses: [0, 0],
  }),
  reclaimScenario('a whole table', 'A CPU unmaps all pages of a full table.', ONE_CPU, {
    frees: true,
    pages: [0, T],
    mapped: [
      [0, T - 1],
      [T - 1, 1],
    ],
    threads: (own) => ({ cpu0: own.unmap(0, T) }),
    accesses: [0, 0],
  }),
  reclaimScenario(
    'a range of two page sizes',
    'A CPU unmaps the page before a full table, and all of the table.',
    ONE_CPU,
    {
      frees: true,
      pages: [T, T + 1],
      mapped: [
        [T - 1, T],
        [2 * T - 1, 1],
      ],
      warm: [T],
      threads: (own) => ({ cpu0: own.unmap(T - 1, T + 1) }),
      accesses: [T + 1],
    },
  ),
  reclaimScenario(
    'map by who may sleep',
    'A CPU maps the first page of a table; memory for it may be waited for (GFP_KERNEL).',
    'one CPU, three levels of tables, no device',
    { pages: [0], mapped: [], sleeps: true, threads: (own) => ({ cpu0: own.map(0) }) },
  ),
];

/** Two CPUs, each on pages of its own, and a device. */
const TWO: readonly Scenario[] = [
  reclaimScenario('two unmaps in one table', 'Two CPUs unmap the last pages of one table.', TWO_CPUS, {
    frees: true,
    pages: [0, 1],
    mapped: [[0, 2]],
    warm: [0],
    threads: (own) => ({ cpu0: own.unmap(0), cpu1: own.unmap(1) }),
    accesses: [0],
  }),
  reclaimScenario(
    'two unmaps under one parent',
    'Two CPUs unmap the last pages of two neighbouring tables.',
    TWO_CPUS,
    {
      frees: true,
      pages: [0, T],
      mapped: [
        [0, 1],
        [T, 1],
      ],
      warm: [0],
      threads: (own) => ({ cpu0: own.unmap(0), cpu1: own.unmap(T) }),
      accesses: [0],
    },
  ),
  reclaimScenario(
    'unmap against map in one table',
    'A CPU unmaps the last page of a table, another maps one there.',
    TWO_CPUS,
    {
      frees: true,
      pages: [0, 1],
      mapped: [[0, 1]],
      warm: [0],
      threads: (own) => ({ cpu0: own.unmap(0), cpu1: own.map(1) }),
      accesses: [1],
    },
  ),
  reclaimScenario(
    'unmap against map under one parent',
    'A CPU unmaps the last page of the last table of a parent, another maps a page of a neighbouring table.',
    TWO_CPUS,
    {
      frees: true,
      pages: [0, T],
      mapped: [[0, 1]],
      warm: [0],
      threads: (own) => ({ cpu0: own.unmap(0), cpu1: own.map(T) }),
      accesses: [T],
    },
  ),
  reclaimScenario(
    'last pages, mapped again',
    'Two CPUs unmap the last pages of two neighbouring tables; one of them maps another page there.',
    CPUS,
    {
      frees: true,
      pages: [0, 1, T],
      mapped: [
        [0, 1],
        [T, 1],
      ],
      threads: (own) => ({ cpu0: inTurn(own.unmap(0), () => own.map(1)), cpu1: own.unmap(T) }),
      atRest: { loses: true },
    },
  ),
  reclaimScenario('two maps under one parent', 'Two CPUs map pages of neighbouring tables that are not there.', CPUS, {
    pages: [0, T],
    mapped: [],
    threads: (own) => ({ cpu0: own.map(0), cpu1: own.map(T) }),
  }),
  reclaimScenario(
    'map and unmap beside an unmap in one table',
    'A CPU maps a page and unmaps it, another unmaps the last other page of the table.',
    CPUS,
    {
      frees: true,
      pages: [0, 1],
      mapped: [[1, 1]],
      threads: (own) => ({ cpu0: inTurn(own.map(0), () => own.unmap(0)), cpu1: own.unmap(1) }),
    },
  ),
  reclaimScenario(
    'map and unmap beside an unmap under one parent',
    'A CPU maps a page and unmaps it, another unmaps the last page of the only other table.',
    CPUS,
    {
      frees: true,
      pages: [0, T],
      mapped: [[T, 1]],
      threads: (own) => ({ cpu0: inTurn(own.map(0), () => own.unmap(0)), cpu1: own.unmap(T) }),
    },
  ),
  reclaimScenario('two large pages', 'Two CPUs unmap large pages, the last ones of their table.', CPUS, {
    frees: true,
    pages: [0, T],
    mapped: [
      [0, T],
      [T, T],
    ],
    threads: (own) => ({ cpu0: own.unmap(0, T), cpu1: own.unmap(T, T) }),
  }),
  reclaimScenario(
    'large page beside a small one',
    'A CPU unmaps a large page and maps another there; the other CPU unmaps the last page of the table beside it.',
    CPUS,
    {
      frees: true,
      pages: [0, T],
      mapped: [
        [0, T],
        [T, 1],
      ],
      threads: (own) => ({ cpu0: inTurn(own.unmap(0, T), () => own.map(0, T)), cpu1: own.unmap(T) }),
    },
  ),
  reclaimScenario(
    'large page beside an unmap',
    'A CPU maps a large page over a table whose free was missed, another unmaps the last page of the next table; readers of the lock queue.',
    CPUS,
    {
      pages: [0, T],
      mapped: [
        [0, 1],
        [T, 1],
      ],
      queuedLock: true,
      threads: (own) => {
        own.missFree(0);
        return { cpu0: own.map(0, T), cpu1: own.unmap(T) };
      },
    },
  ),
  reclaimScenario(
    'a neighbour asks where it leads',
    'A CPU unmaps a page, another asks where the next one leads.',
    CPUS,
    {
      pages: [0, 1],
      mapped: [[0, 2]],
      threads: (own) => ({ cpu0: own.unmap(0), cpu1: own.translated(1) }),
    },
  ),
];

/** Whether counts stay in the range that the kernel warns about, and whether tables that nothing is mapped in go. */
const EMPTY: readonly Scenario[] = [
  reclaimScenario('counts in range', 'Two CPUs unmap the last pages of two tables: the kernel does not warn.', CPUS, {
    frees: true,
    pages: [0, T],
    mapped: [
      [0, 1],
      [T, 1],
    ],
    threads: (own) => ({ cpu0: own.unmap(0), cpu1: own.unmap(T) }),
    atRest: { warns: false, loses: true },
  }),
  reclaimScenario('emptied tables go', 'Two CPUs unmap the last pages of one table: it is freed.', CPUS, {
    frees: true,
    pages: [0, 1],
    mapped: [[0, 2]],
    threads: (own) => ({ cpu0: own.unmap(0), cpu1: own.unmap(1) }),
    atRest: { keeps: false, warns: true },
  }),
  reclaimScenario(
    'emptied neighbours go',
    'Two CPUs unmap the last pages of two tables: both and their parent are freed.',
    CPUS,
    {
      frees: true,
      pages: [0, T],
      mapped: [
        [0, 1],
        [T, 1],
      ],
      threads: (own) => ({ cpu0: own.unmap(0), cpu1: own.unmap(T) }),
      atRest: { keeps: false, warns: true },
    },
  ),
];

/** One after the other. */
export function* inTurn(first: Flow<void>, ...more: readonly (() => Flow<void>)[]): Flow<void> {
  yield* first;
  for (const next of more) yield* next();
}

export const TABLE_RECLAIM_SCENARIOS: readonly Scenario[] = [...ALONE, ...TWO, ...EMPTY];

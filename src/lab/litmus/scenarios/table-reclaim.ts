/** CPUs map and unmap in one domain, a device translates meanwhile, and tables come and go (thread 2023-12; docs/designs.md, table reclaim). */
import type { Flow, World } from '../../../base/index.ts';
import type { Program } from '../../../check/index.ts';
import { DomainMachine, type DomainMachineOptions, TABLE } from '../domain-machine.ts';
import type { Build } from '../machine.ts';
import type { Scenario } from '../scenario.ts';

type Threads = Readonly<Record<string, Flow<void>>>;

interface Shape extends DomainMachineOptions {
  /** What CPUs do, and others but the device. */
  readonly threads: (machine: DomainMachine) => Threads;
  /** Pages of the device's accesses. */
  readonly accesses?: readonly number[];
  readonly atRest?: { readonly keeps?: boolean; readonly warns?: boolean };
  readonly reachable?: readonly string[];
}

function programOf(shape: Shape): Scenario['program'] {
  return (world: World, kernel: Build): Program => {
    const machine = new DomainMachine(world, kernel, shape);
    const { accesses = [], atRest, reachable = [] } = shape;
    const flows = Object.entries(shape.threads(machine)).map(([name, flow]) => [name, machine.cpu(flow)] as const);
    const threads: Record<string, Flow<void>> = Object.fromEntries(flows);
    if (accesses.length > 0) threads['device'] = machine.accesses(...accesses);
    const names = Object.keys(threads);
    threads['at rest'] = machine.atRest(names, atRest);
    const seen = accesses.length > 0 ? ['device: done'] : [];
    return { threads, reachable: ['at rest', ...seen, ...reachable] };
  };
}

function scenario(name: string, about: string, bounds: string, shape: Shape): Scenario {
  return { name: `reclaim: ${name}`, source: 'thread 2023-12', about, bounds, program: programOf(shape) };
}

const TWO_CPUS = 'two CPUs, three levels of tables, a device with two accesses, an IOMMU that caches all it reads';
/** The tables of pages 0 and T have one parent. */
const T = TABLE;

export const TABLE_RECLAIM_SCENARIOS: readonly Scenario[] = [
  scenario('two unmaps in one table', 'Two CPUs unmap the last pages of one table.', TWO_CPUS, {
    pages: [0, 1],
    mapped: [[0, 2]],
    threads: (own) => ({ cpu0: own.unmap(0), cpu1: own.unmap(1) }),
    accesses: [0, 1],
  }),
  scenario('two unmaps under one parent', 'Two CPUs unmap the last pages of two neighbouring tables.', TWO_CPUS, {
    pages: [0, T],
    mapped: [
      [0, 1],
      [T, 1],
    ],
    threads: (own) => ({ cpu0: own.unmap(0), cpu1: own.unmap(T) }),
    accesses: [0, T],
  }),
  scenario('unmap against map in one table', 'A CPU unmaps the last page of a table, another maps one there.', TWO_CPUS, {
    pages: [0, 1],
    mapped: [[0, 1]],
    threads: (own) => ({ cpu0: own.unmap(0), cpu1: own.map(1) }),
    accesses: [0, 1],
  }),
  scenario(
    'unmap against map under one parent',
    'A CPU unmaps the last page of the last table of a parent, another maps a page of a neighbouring table.',
    TWO_CPUS,
    {
      pages: [0, T],
      mapped: [[0, 1]],
      threads: (own) => ({ cpu0: own.unmap(0), cpu1: own.map(T) }),
      accesses: [T, 0],
    },
  ),
];

/** Tables of the kernel's half are freed while devices walk it (docs/designs.md, kernel tables). */
import { type Flow, SpinLock, until, type World } from '../../../base/index.ts';
import type { Daemon, Program } from '../../../check/index.ts';
import { KERNEL_PAGE, KernelHalfMachine, type KernelHalfOptions } from '../kernel-half-machine.ts';
import type { Build } from '../machine.ts';
import type { Scenario } from '../scenario.ts';

/** Pages that a PTE table translates. */
const TABLE = 512;
const PAGE = KERNEL_PAGE;
const OTHER = KERNEL_PAGE + TABLE;

interface Shape extends KernelHalfOptions {
  readonly threads: (machine: KernelHalfMachine) => Record<string, Flow<void>>;
  readonly reachable?: readonly string[];
}

function programOf({ reachable = ['dev0: supervisor'], threads, ...options }: Shape): Scenario['program'] {
  return (world: World, kernel: Build): Program => {
    const machine = new KernelHalfMachine(world, kernel, options);
    const all: Record<string, Flow<void> | Daemon> = { ...threads(machine), worker: machine.worker() };
    return { threads: all, reachable: [...reachable] };
  };
}

function scenario(name: string, about: string, bounds: string, shape: Shape): Scenario {
  const source = 'series of 2025; e37d5a2d60a3 (6.19)';
  return { name: `kernel half: ${name}`, source, about, bounds, program: programOf(shape) };
}

/** A CPU that frees tables, who takes the frames, and a device that is asked for a page twice. */
const asked =
  (cpu: string, frees: (machine: KernelHalfMachine) => Flow<void>, page = PAGE): Shape['threads'] =>
  (machine) => {
    const own = machine.walked.at(-1)!;
    return { [cpu]: frees(machine), 'mm N': machine.neighbour(), [own.device.name]: machine.probes(own, page, page) };
  };

const free = ({ init, kernel }: KernelHalfMachine, page = PAGE): Flow<void> => kernel.pmd_free_pte_page(init, page);

function* freeUnderLock(machine: KernelHalfMachine): Flow<void> {
  const lock = new SpinLock(machine.world, 'pgd_lock');
  yield lock.acquire();
  yield* free(machine);
  yield lock.release();
}

function* freeBoth(machine: KernelHalfMachine): Flow<void> {
  yield* free(machine, PAGE);
  yield* free(machine, OTHER);
}

const ONE = 'one address space, one table, one device that is asked twice, one IOMMU that caches all it reads';

export const KERNEL_TABLE_SCENARIOS: readonly Scenario[] = [
  scenario(
    'PTE table',
    'vmalloc puts a huge page where a PTE table was, while a device is asked for the address.',
    ONE,
    {
      pages: [PAGE],
      threads: asked('vmalloc', (machine) => free(machine)),
    },
  ),
  scenario('PMD table', 'A PMD table goes, with the PTE table below it.', ONE, {
    pages: [PAGE],
    threads: asked('vmalloc', ({ init, kernel }) => kernel.pud_free_pmd_page(init, PAGE)),
  }),
  scenario(
    'two tables in turn',
    'Two PTE tables go, one after the other.',
    'one address space, two tables, one device that is asked twice for the second',
    {
      pages: [PAGE, OTHER],
      threads: asked('vmalloc', freeBoth, OTHER),
    },
  ),
  scenario('caller holds a spinlock', 'The table is freed by code that may not sleep.', ONE, {
    pages: [PAGE],
    threads: asked('set_memory', freeUnderLock),
  }),
  scenario(
    'bound meanwhile',
    'An address space is bound while the table goes, and its device is asked at once.',
    'one address space, one table, one device that is asked twice',
    {
      pages: [PAGE],
      bound: 0,
      unbound: 1,
      threads: (machine) => {
        const [own] = machine.walked;
        const { bind, mm } = own!;
        /** It may be asked as soon as it is attached. */
        function* works(): Flow<void> {
          yield until(machine.world, 'dev0 is attached', () => bind.walker.roots.peek(bind.space) !== 0);
          yield* machine.probes(own!, PAGE, PAGE);
        }
        return {
          vmalloc: free(machine),
          'mm N': machine.neighbour(),
          bind: machine.kernel.iommu_sva_bind_mm(machine.init, mm, bind),
          dev0: works(),
        };
      },
    },
  ),
  scenario(
    'unbound meanwhile',
    'An address space is unbound while the table goes, and its device is still asked.',
    'one address space, one table, one device that is asked twice',
    {
      pages: [PAGE],
      threads: (machine) => {
        const [own] = machine.walked;
        return {
          vmalloc: free(machine),
          'mm N': machine.neighbour(),
          unbind: machine.kernel.iommu_sva_unbind_mm(machine.init, own!.mm, own!.bind),
          dev0: machine.probes(own!, PAGE, PAGE),
        };
      },
    },
  ),
  scenario(
    'two address spaces',
    'The device of the second of two address spaces is asked.',
    'two address spaces, one table, one device that is asked twice',
    {
      pages: [PAGE],
      bound: 2,
      reachable: ['dev1: supervisor'],
      threads: asked('vmalloc', (machine) => free(machine)),
    },
  ),
  scenario('table from boot', 'The table was there before the page allocator, and has no mark.', ONE, {
    pages: [PAGE],
    atBoot: true,
    threads: asked('hot remove', (machine) => free(machine)),
  }),
];

/** An mm changes while a device with page tables of its own works on it, whose driver follows the mm (docs/designs.md, Mirrors). */
import { type Flow, runAlone, type World } from '../../../base/index.ts';
import type { Program, Properties } from '../../../check/index.ts';
import { InvariantBroken, type Vma } from '../../../kernel/index.ts';
import type { Build } from '../machine.ts';
import { CPU_WORD, GPU_WORD, MirrorMachine, type MirrorMachineOptions } from '../mirror-machine.ts';
import type { Scenario } from '../scenario.ts';

export const ONE_PAGE: Vma = { start: 0, end: 1 };
export const TWO_PAGES: Vma = { start: 0, end: 2 };

interface MirrorShape {
  readonly options: MirrorMachineOptions;
  readonly threads: (machine: MirrorMachine) => Record<string, Flow<unknown>>;
  readonly always?: (machine: MirrorMachine) => Properties;
  readonly reachable: readonly string[];
}

export function mirrorProgram({ always, options, reachable, threads }: MirrorShape): Scenario['program'] {
  return (world: World, kernel: Build): Program => {
    const machine = new MirrorMachine(world, kernel, options);
    const properties = always === undefined ? {} : { always: always(machine) };
    return { threads: threads(machine), reachable, ...properties };
  };
}

function scenario(name: string, about: string, bounds: string, shape: MirrorShape): Scenario {
  return {
    name: `mirror: ${name}`,
    source: 'Documentation/mm/hmm.rst',
    about,
    bounds: `one mm, ${bounds}, one device with a table of its own`,
    program: mirrorProgram(shape),
  };
}

/** The device's write is in the page, wherever that is in the end. */
export const KEPT = (machine: MirrorMachine): Properties => ({
  'no write of the device is lost': machine.keeps(0, GPU_WORD),
});

/** L35 with a mirror: the CPU goes on with a copy of A, writes A and then B; the device reads B as it is now, and then A. */
function twoAddresses(machine: MirrorMachine): Record<string, Flow<unknown>> {
  const { kernel, memory, mm, tables, world } = machine;
  const [A, B] = [0, 1];
  function* cpu(): Flow<void> {
    yield* kernel.wp_page_copy(mm, A);
    for (const page of [A, B]) {
      yield;
      memory.store(tables.peekWritable(page)!, GPU_WORD, 1, 0);
    }
  }
  function* reads(): Flow<void> {
    const b = yield* machine.tries(B);
    const a = yield* machine.tries(A);
    world.reach(`B ${b}, A ${a}`);
    if (b === 1 && a === 0) {
      throw new InvariantBroken('INV-13: the device reads B as it is now, and then A as it was before B was written');
    }
  }
  return { cpu: cpu(), driver: kernel.dmirror_range_fault(machine.mirror, A, false), gpu: reads() };
}

/** A range of another page, in which nothing changes, is under way; this is its end. */
export function rangeUnderWay({ kernel, mm }: MirrorMachine, page: number): Flow<void> {
  runAlone(kernel.mmu_notifier_invalidate_range_start(mm, page, page + 1));
  return kernel.mmu_notifier_invalidate_range_end(mm, page, page + 1);
}

export const MIRROR_SCENARIOS: readonly Scenario[] = [
  scenario('munmap', 'A page goes while the device faults it in.', 'one page, one CPU that unmaps it', {
    options: { vmas: [ONE_PAGE] },
    threads: (machine) => ({
      cpu: machine.kernel.do_munmap(machine.mm, 0, 1),
      gpu: machine.accesses(true, 0),
    }),
    reachable: ['gpu: done', 'gpu: no mapping'],
  }),
  scenario('munmap of a mirrored page', 'A page goes that the device has in table and TLB.', 'one page, one CPU', {
    options: { vmas: [ONE_PAGE], mirrored: [0], tlb: true },
    threads: (machine) => ({
      cpu: machine.kernel.do_munmap(machine.mm, 0, 1),
      gpu: machine.accesses(true, 0, 0),
    }),
    reachable: ['gpu: done', 'gpu: no mapping'],
  }),
  scenario('MADV_DONTNEED', 'A page goes and comes anew while the device faults it in.', 'one page, one CPU', {
    options: { vmas: [ONE_PAGE] },
    threads: (machine) => ({
      cpu: machine.kernel.zap_page_range_single(machine.mm, 0, 1),
      gpu: machine.accesses(true, 0),
    }),
    reachable: ['gpu: done'],
  }),
  scenario(
    'neighbour page',
    'Another page of the interval goes while the device faults one in.',
    'two pages, one CPU',
    {
      options: { vmas: [TWO_PAGES] },
      threads: (machine) => ({
        cpu: machine.kernel.zap_page_range_single(machine.mm, 1, 2),
        gpu: machine.accesses(true, 0),
      }),
      always: KEPT,
      reachable: ['gpu: done'],
    },
  ),
  scenario('copy on write', 'The CPU writes to a shared page and goes on with a copy.', 'one page, one CPU', {
    options: { vmas: [ONE_PAGE], copied: [0] },
    threads: (machine) => ({
      cpu: machine.kernel.wp_page_copy(machine.mm, 0),
      gpu: machine.accesses(false, 0),
    }),
    reachable: ['gpu: done'],
  }),
  scenario(
    'two ranges',
    'A page goes while another range is under way, and the device faults it in.',
    'two pages, two CPUs',
    {
      options: { vmas: [TWO_PAGES] },
      threads: (machine) => ({
        cpu0: machine.kernel.zap_page_range_single(machine.mm, 0, 1),
        cpu1: rangeUnderWay(machine, 1),
        gpu: machine.accesses(true, 0),
      }),
      reachable: ['gpu: done'],
    },
  ),
  scenario(
    'two addresses',
    'The CPU copies A on write, writes A and then B; the driver faults A in; the device reads B and then A.',
    'two pages, one CPU, one driver',
    {
      options: { vmas: [TWO_PAGES], shared: [0], mirrored: [1] },
      threads: twoAddresses,
      reachable: ['B 0, A 0', 'B 1, A 1'],
    },
  ),
  scenario(
    'to device memory',
    'A page goes to the device’s memory while the device writes it.',
    'one page, one driver',
    {
      options: { vmas: [ONE_PAGE] },
      threads: (machine) => ({
        driver: machine.kernel.dmirror_migrate_to_device(machine.mirror, 0),
        gpu: machine.accesses(true, 0),
      }),
      always: KEPT,
      reachable: ['gpu: done', 'gpu works in device memory'],
    },
  ),
  scenario(
    'back to the CPU',
    'A CPU faults at a page in the device’s memory while the device works on it.',
    'one page, one CPU',
    {
      options: { vmas: [ONE_PAGE], migrated: [0] },
      threads: (machine) => ({ cpu: machine.cpu(true, 0), gpu: machine.accesses(true, 0) }),
      always: (machine) => ({ ...KEPT(machine), 'nor one of the CPU': machine.keeps(0, CPU_WORD) }),
      reachable: ['gpu: done', 'gpu works in device memory'],
    },
  ),
  scenario(
    'there and back',
    'A page goes to the device’s memory while the device and a CPU write it.',
    'one page, one driver, one CPU',
    {
      options: { vmas: [ONE_PAGE], mirrored: [0] },
      threads: (machine) => ({
        driver: machine.kernel.dmirror_migrate_to_device(machine.mirror, 0),
        cpu: machine.cpu(true, 0),
        gpu: machine.accesses(true, 0),
      }),
      always: (machine) => ({ ...KEPT(machine), 'nor one of the CPU': machine.keeps(0, CPU_WORD) }),
      reachable: ['gpu: done', 'gpu works in device memory'],
    },
  ),
  scenario('MADV_DONTNEED of device memory', 'A page in the device’s memory goes.', 'one page, one CPU', {
    options: { vmas: [ONE_PAGE], migrated: [0] },
    threads: (machine) => ({
      cpu: machine.kernel.zap_page_range_single(machine.mm, 0, 1),
      gpu: machine.accesses(true, 0),
    }),
    reachable: ['gpu: done', 'gpu works in device memory'],
  }),
  scenario(
    'beside a device that walks',
    'A page goes to the device’s memory while another device writes it through the CPU’s tables.',
    'one page, one driver, one ATS device with a TLB',
    {
      options: { vmas: [ONE_PAGE], mirrored: [0], ats: true },
      threads: (machine) => ({
        driver: machine.kernel.dmirror_migrate_to_device(machine.mirror, 0),
        ats: machine.walks(true, 0),
        gpu: machine.accesses(true, 0),
      }),
      always: (machine) => ({ ...KEPT(machine), 'nor one of the device that walks': machine.keepsWalked(0) }),
      reachable: ['ats: done', 'ats: not present', 'gpu works in device memory'],
    },
  ),
];

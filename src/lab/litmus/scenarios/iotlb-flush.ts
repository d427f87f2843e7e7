/** Mappings of the DMA API come and go while a device works (docs/designs.md, IOTLB flush). Each test asks one thing: see `asks`. */
import { type Flow, runAlone, type World } from '../../../base/index.ts';
import type { Daemon, Program } from '../../../check/index.ts';
import { DmaMachine, type DmaMachineOptions } from '../dma-machine.ts';
import type { Build } from '../machine.ts';
import type { Scenario } from '../scenario.ts';

interface Shape extends DmaMachineOptions {
  readonly threads: (machine: DmaMachine) => Record<string, Flow<unknown>>;
  readonly reachable?: readonly string[];
  /** Whether the timer of the queue runs out, at any time. Default: it does. */
  readonly timer?: boolean;
}

const ASKED = {
  unmap: 'no DMA after unmap',
  reuse: 'no DMA after the IOVA is given out again',
  tables: 'no walk of a freed table',
};
const ONE =
  'one domain, one CPU, one device with two accesses, an IOMMU that caches all it reads, a timer that runs out at any time';

function scenario(name: string, about: string, shape: Shape, bounds = ONE): Scenario {
  const { reachable = ['dev: done'], threads, timer = true, ...options } = shape;
  const program = (world: World, kernel: Build): Program => {
    const machine = new DmaMachine(world, kernel, options);
    const all: Record<string, Flow<unknown> | Daemon> = {
      ...threads(machine),
      ...(timer ? { timer: machine.timer() } : {}),
    };
    return { threads: all, reachable: [...reachable] };
  };
  const question = `${about} Asked: ${ASKED[options.asks]}.`;
  return { name: `dma: ${name}`, source: 'drivers/iommu/dma-iommu.c', about: question, bounds, program };
}

/** Pages that a leaf table translates. */
const TABLE = 512;

function* unmapThenMap(machine: DmaMachine, iova: number, cpu = 0): Flow<void> {
  yield* machine.unmap(iova, cpu);
  yield* machine.map(cpu);
}

export const IOTLB_FLUSH_SCENARIOS: readonly Scenario[] = [
  scenario('after unmap', 'A page is unmapped and given back while the device works on it.', {
    asks: 'unmap',
    threads: (machine) => {
      const iova = machine.mapped();
      return { cpu: machine.unmap(iova), dev: machine.accesses(iova, iova) };
    },
  }),
  scenario('after unmap, with a device TLB', 'The same, with a device that caches translations.', {
    asks: 'unmap',
    ats: true,
    threads: (machine) => {
      const iova = machine.mapped();
      return { cpu: machine.unmap(iova), dev: machine.accesses(iova, iova) };
    },
  }),
  scenario('number given out again', 'A page is unmapped and another one mapped; there is one number.', {
    asks: 'reuse',
    blocks: 1,
    reachable: ['dev: done', 'mapped'],
    threads: (machine) => {
      const iova = machine.mapped();
      return { cpu: unmapThenMap(machine, iova), dev: machine.accesses(iova, iova) };
    },
  }),
  scenario(
    'number given out on another CPU',
    'One CPU unmaps, another maps; there is one number, in the caches of the first.',
    {
      asks: 'reuse',
      blocks: 1,
      cpus: 2,
      reachable: ['dev: done', 'mapped', 'no IOVA'],
      threads: (machine) => {
        const iova = machine.mapped();
        return { cpu0: machine.unmap(iova), cpu1: machine.map(1), dev: machine.accesses(iova) };
      },
    },
    'one domain, two CPUs, one device with one access, a timer that runs out at any time',
  ),
  scenario('ring full', 'Two pages are unmapped, for which the ring has no room, and one is mapped.', {
    asks: 'reuse',
    timer: false,
    threads: (machine) => {
      const iovas = [machine.mapped(), machine.mapped()] as const;
      function* cpu(): Flow<void> {
        yield* machine.unmap(iovas[0]);
        yield* unmapThenMap(machine, iovas[1]);
      }
      return { cpu: cpu(), dev: machine.accesses(iovas[0], iovas[0]) };
    },
  }),
  scenario(
    'two CPUs flush at once',
    'The rings of two CPUs are full; both unmap another page.',
    {
      asks: 'reuse',
      timer: false,
      cpus: 2,
      blocks: 4,
      threads: (machine) => {
        const iovas = [0, 1, 0, 1].map((cpu) => machine.mapped(cpu));
        for (const cpu of [0, 1]) runAlone(machine.unmap(iovas[cpu]!, cpu));
        return {
          cpu0: unmapThenMap(machine, iovas[2]!, 0),
          cpu1: machine.unmap(iovas[3]!, 1),
          dev: machine.accesses(iovas[0]!, iovas[2]!),
        };
      },
    },
    'one domain, two CPUs, one device with an access to each of two pages, no other flush',
  ),
  scenario('table freed', 'A range is unmapped that covers a table, while the device works there.', {
    asks: 'tables',
    pages: TABLE,
    blocks: 1,
    threads: (machine) => {
      const iova = machine.mapped();
      return { cpu: machine.unmap(iova), other: machine.neighbour(), dev: machine.accesses(iova, iova) };
    },
  }),
  scenario('table freed, ring full', 'Two such ranges are unmapped, for which the ring has no room.', {
    asks: 'tables',
    timer: false,
    pages: TABLE,
    threads: (machine) => {
      const iovas = [machine.mapped(), machine.mapped()] as const;
      function* cpu(): Flow<void> {
        yield* machine.unmap(iovas[0]);
        yield* machine.unmap(iovas[1]);
      }
      return { cpu: cpu(), other: machine.neighbour(), dev: machine.accesses(iovas[1], iovas[1]) };
    },
  }),
  scenario(
    'domain goes',
    'The domain is taken down while a range with a table waits in the ring, and the device works on.',
    {
      asks: 'tables',
      pages: TABLE,
      blocks: 1,
      threads: (machine) => {
        const iova = machine.mapped();
        function* cpu(): Flow<void> {
          yield* machine.unmap(iova);
          yield* machine.kernel.iommu_put_dma_cookie(machine.dom);
        }
        return { cpu: cpu(), other: machine.neighbour(), dev: machine.accesses(iova, iova) };
      },
    },
  ),
  scenario('made lazy meanwhile', 'A strict domain is made lazy while one CPU unmaps and maps; there is one number.', {
    asks: 'reuse',
    blocks: 1,
    reachable: ['dev: done', 'mapped'],
    threads: (machine) => {
      const iova = machine.mapped();
      return {
        cpu: unmapThenMap(machine, iova),
        sysfs: machine.kernel.iommu_dma_init_fq(machine.dom),
        dev: machine.accesses(iova, iova),
      };
    },
  }),
];

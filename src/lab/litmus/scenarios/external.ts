/** Pages and tables are taken from an mm while a device works on it (thread 2014; docs/designs.md, external TLBs). */
import { ATOMIC, type Flow, type World } from '../../../base/index.ts';
import type { Daemon, Program } from '../../../check/index.ts';
import type { Vma } from '../../../kernel/index.ts';
import type { Build } from '../machine.ts';
import type { Scenario } from '../scenario.ts';
import { SvaMachine, type SvaMachineOptions } from '../sva-machine.ts';

/** Pages that a PTE table, a PMD table translate. */
const TABLE = 512;
const UPPER = TABLE * TABLE;
const TWO_PAGES: Vma = { start: 0, end: 2 };
const ONE_PAGE: Vma = { start: 0, end: 1 };

const BOUNDS =
  'one mm, one CPU that changes it, one device with a TLB and two accesses, one IOMMU that caches all it reads';

type Body = (machine: SvaMachine) => Flow<void>;

interface Shape {
  readonly options: SvaMachineOptions;
  readonly body: Body;
  /** Pages of the device's accesses. */
  readonly pages: readonly number[];
  readonly write?: boolean;
  /** Another CPU, beside it: then nobody takes the frames that are free. */
  readonly beside?: Body;
  /** Without the device's own. */
  readonly reachable?: readonly string[];
}

function programOf({ beside, body, options, pages, reachable, write = true }: Shape): Scenario['program'] {
  return (world: World, kernel: Build): Program => {
    const machine = new SvaMachine(world, kernel, options);
    const [device] = machine.devices;
    const threads: Record<string, Flow<void> | Daemon> = { cpu: body(machine) };
    if (beside === undefined) threads['neighbour'] = machine.neighbour();
    // A right that was cached before it was more.
    if (device !== undefined && options.rechecks === false) machine.warm(device, pages[0]!);
    if (beside !== undefined) threads['cpu1'] = beside(machine);
    if (device !== undefined) threads[device.name] = machine.accesses(device, write, ...pages);
    Object.assign(threads, machine.hardware());
    return { threads, reachable: reachable ?? (device === undefined ? [] : [`${device.name}: done`]) };
  };
}

function scenario(name: string, about: string, shape: Shape, bounds = BOUNDS): Scenario {
  return { name: `external: ${name}`, source: 'thread 2014', about, bounds, program: programOf(shape) };
}

const munmap =
  (start: number, end: number): Body =>
  ({ kernel, mm }) =>
    kernel.do_munmap(mm, start, end);

/** What stands beside the page that is unmapped says which tables go with it. */
function tablesGo(name: string, about: string, beside: number): Scenario {
  const vmas = [ONE_PAGE, { start: beside, end: beside + 1 }];
  return scenario(name, about, { options: { vmas }, body: munmap(0, 1), pages: [0, 0] });
}

/** What MADV_DONTNEED does with a batch that is full: the page is free before the range has ended. */
function* takenWithin({ kernel, mm, tables }: SvaMachine): Flow<void> {
  const tlb = yield* kernel.tlb_gather_mmu(mm);
  yield* kernel.mmu_notifier_invalidate_range_start(mm, 0, 1);
  yield ATOMIC;
  const pte = tables.pte(0)!;
  tables.clearPte(0);
  yield* kernel.tlb_remove_page(tlb, 0, pte.pfn);
  yield* kernel.tlb_flush_mmu(tlb);
  yield* kernel.mmu_notifier_invalidate_range_end(mm, 0, 1);
}

function* emptyRange({ kernel, mm }: SvaMachine): Flow<void> {
  yield* kernel.mmu_notifier_invalidate_range_start(mm, 1, 2);
  yield* kernel.mmu_notifier_invalidate_range_end(mm, 1, 2);
}

/** mprotect, and from then on a write of the device is one too many. */
function* sealed({ kernel, mm, seal }: SvaMachine): Flow<void> {
  yield* kernel.change_protection(mm, 0, false);
  yield;
  seal.store(1);
}

export const EXTERNAL_SCENARIOS: readonly Scenario[] = [
  scenario('munmap of a page', 'A page goes, its tables stay.', {
    options: { vmas: [TWO_PAGES] },
    body: munmap(0, 1),
    pages: [0, 0],
  }),
  tablesGo('lower table', 'The last page of a PTE table goes, and the table with it.', TABLE),
  tablesGo('lower and middle table', 'The last page of a PMD table goes, and both tables with it.', UPPER),
  scenario('all tables', 'The only page goes, and all tables but the top one.', {
    options: { vmas: [ONE_PAGE] },
    body: munmap(0, 1),
    pages: [0, 0],
  }),
  scenario('table under the other page', 'A table goes while the device goes on from one of its pages to the other.', {
    options: { vmas: [TWO_PAGES, { start: TABLE, end: TABLE + 1 }] },
    body: munmap(0, 2),
    pages: [0, 1],
  }),
  scenario('MADV_DONTNEED', 'Two pages go, the mapping and the tables stay.', {
    options: { vmas: [TWO_PAGES] },
    body: ({ kernel, mm }) => kernel.zap_page_range_single(mm, 0, 2),
    pages: [1, 1],
  }),
  scenario('gather overflow', 'Two pages go, in batches of one: the first is free before the range has ended.', {
    options: { vmas: [TWO_PAGES], batch: 1 },
    body: ({ kernel, mm }) => kernel.zap_page_range_single(mm, 0, 2),
    pages: [0, 0],
  }),
  scenario('copy on write', 'The CPU writes to a shared page, and goes on with a copy; the old page goes.', {
    options: { vmas: [TWO_PAGES], shared: true },
    body: ({ kernel, mm }) => kernel.wp_page_copy(mm, 0),
    pages: [0, 0],
    write: false,
  }),
  scenario(
    'nobody walks',
    'A page goes of an mm that no device has bound.',
    { options: { vmas: [TWO_PAGES], devices: 0 }, body: munmap(0, 1), pages: [] },
    'one mm, one CPU that changes it, no device',
  ),
  scenario('reclaim of a page', 'A page is reclaimed.', {
    options: { vmas: [TWO_PAGES] },
    body: ({ kernel, mm }) => kernel.shrink_folio(mm, 0),
    pages: [0, 0],
  }),
  scenario('reclaim of two pages', 'Two pages are reclaimed, with one flush of the CPUs.', {
    options: { vmas: [TWO_PAGES] },
    body: ({ kernel, mm }) => kernel.shrink_folio_list(mm, [0, 1]),
    pages: [1, 1],
  }),
  scenario('migration', 'A page is moved to another frame.', {
    options: { vmas: [TWO_PAGES] },
    body: ({ kernel, mm }) => kernel.migrate_folio(mm, 0),
    pages: [0, 0],
  }),
  scenario('collapse into a huge page', 'A PTE table and its page make way for a huge page.', {
    options: { vmas: [ONE_PAGE] },
    body: ({ kernel, mm }) => kernel.collapse_huge_page(mm, 0),
    pages: [0, 0],
  }),
  scenario("table of a file's mapping", "A PTE table of a file's mapping makes way for a huge page, in no range.", {
    options: { vmas: [ONE_PAGE] },
    body: ({ kernel, mm }) => kernel.retract_page_tables(mm, 0),
    pages: [0, 0],
  }),
  scenario('end of the address space', 'The process is gone, and the device works on.', {
    options: { vmas: [ONE_PAGE] },
    body: ({ kernel, mm }) => kernel.exit_mmap_walked(mm),
    pages: [0, 0],
  }),
  scenario('made read-only', 'mprotect takes the right to write; when it has returned nothing is written any more.', {
    options: { vmas: [TWO_PAGES] },
    body: sealed,
    pages: [0, 0],
  }),
  scenario(
    'made writable by a fault',
    'A page that nobody shares any more is made writable, in no range; an IOMMU that keeps rights (arm) is asked to write.',
    {
      options: { vmas: [ONE_PAGE], shared: true, tries: 2, rechecks: false },
      body: ({ kernel, mm }) => kernel.wp_page_reuse(mm, 0),
      pages: [0],
    },
    'one mm, one CPU, one device with a TLB and one access, which gives up after two requests',
  ),
  scenario(
    'fault storm',
    'A page is zapped while a device asks for it again and again.',
    {
      options: { vmas: [ONE_PAGE], tries: 2 },
      body: ({ kernel, mm }) => kernel.zap_page_range_single(mm, 0, 1),
      pages: [0],
    },
    'one mm, one CPU, one device with one access, which gives up after two requests',
  ),
  scenario(
    'two ranges at once',
    'One CPU takes a page, for which its batch has no room; another one goes through a range in which nothing is there. The ranges overlap in time.',
    {
      options: { vmas: [TWO_PAGES], ats: false },
      body: takenWithin,
      beside: emptyRange,
      pages: [0],
    },
    'one mm, two CPUs that change it, one device without a TLB and one access',
  ),
];

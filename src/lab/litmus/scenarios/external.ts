/** Pages and tables are taken from an mm while a device works on it (thread 2014; docs/designs.md, external TLBs). */
import type { Flow, World } from '../../../base/index.ts';
import type { Program } from '../../../check/index.ts';
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
}

function programOf({ body, options, pages, write = true }: Shape): Scenario['program'] {
  return (world: World, kernel: Build): Program => {
    const machine = new SvaMachine(world, kernel, options);
    const [device] = machine.devices;
    const threads: Record<string, Flow<void>> = { cpu: body(machine), neighbour: machine.neighbour() };
    if (device !== undefined) threads[device.name] = machine.accesses(device, write, ...pages);
    return { threads, reachable: device === undefined ? [] : [`${device.name}: done`] };
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
];

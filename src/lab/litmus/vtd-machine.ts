/**
 * A machine whose PASID entries are real: one device behind a VT-d unit (hw/vtd), tables in memory, caches, an invalidation queue and, where a
 * test wants them, page requests and a device TLB. Address spaces have two tables and one page of 1 GiB. The unit serves each descriptor in one step.
 */
import { ATOMIC, assert, type Flow, runAlone, Words, type World } from '../../base/index.ts';
import type { Daemon } from '../../check/index.ts';
import {
  Atc,
  type Choices,
  Dsa,
  descriptorThread,
  FULL_UNIT,
  PASID_DIRECTORY_ENTRY,
  PageRequestInterface,
  PageRequestQueue,
  REASONS,
  RecordedMemory,
  type RecordedUnit,
  recordedUnit,
  SCALABLE_CONTEXT_ENTRY,
  SCALABLE_ROOT_ENTRY,
  translate,
  Walk,
  WRITE,
  WriteBackMemory,
  writeEntry,
  X86_64_PDPTE_LEAF,
  X86_64_TABLE,
} from '../../hw/index.ts';
import {
  createDeviceDomainInfo,
  createIntelIommu,
  createKernel,
  type Device,
  InvariantBroken,
  IOMMU_FIRST_GLOBAL_PASID,
  type Kernel,
  Mm,
  PASID_MAX,
  PasidAllocator,
  type Submitter,
  type SvaHandle,
} from '../../kernel/index.ts';
import type { Build } from './machine.ts';

const RID = 0x10;
/** Frames of a page of 1 GiB. */
const FRAMES_1G = 0x40000;
const SCALABLE_MODE = 1;
const ENTRY_WORDS = 8;
/** The first number that is given out, and how many there are. */
export const PASID = IOMMU_FIRST_GLOBAL_PASID;
const PASIDS = 2;

export interface VtdMachineOptions {
  readonly choices?: Choices;
  readonly deviceTlb?: boolean;
  readonly pageRequests?: boolean;
  /** Entries of the page request ring, one of which stays empty. Default 4. */
  readonly ring?: number;
  /** The unit does not see CPU caches; the PASID table is not installed yet, and its frame has what was in it before. */
  readonly nonCoherent?: boolean;
}

interface Tables {
  readonly root: number;
  readonly directory: number;
  readonly table: number;
}

export class VtdMachine {
  readonly kernel: Kernel;
  readonly world: World;
  readonly dev: Device;
  readonly memory: RecordedMemory;
  readonly unit: RecordedUnit;
  readonly pri: PageRequestInterface<Mm>;
  readonly tables: Tables;
  /** What the CPU sees of PASID tables, if that is not what the unit sees. */
  readonly cache: WriteBackMemory | null;
  private readonly atc: Atc | null;
  private readonly pageRequests: boolean;
  private readonly mms: Mm[] = [];

  constructor(world: World, { functions }: Build, options: VtdMachineOptions = {}) {
    const { choices, deviceTlb = false, nonCoherent = false, pageRequests = false } = options;
    this.world = world;
    this.pageRequests = pageRequests;
    this.memory = new RecordedMemory(world);
    this.tables = makeTables(this.memory, !nonCoherent);
    const prq = new PageRequestQueue<Mm>(world, options.ring);
    this.pri = new PageRequestInterface<Mm>(world, RID, prq);
    this.atc = deviceTlb ? new Atc(world, RID) : null;
    const { directory, root, table } = this.tables;
    this.unit = recordedUnit(
      world,
      FULL_UNIT,
      this.memory,
      { frame: root, ttm: SCALABLE_MODE },
      {
        ...choices,
        ...(this.atc === null ? {} : { deviceTlbs: this.atc }),
        pageGroupResponse: (_low, high) => this.answer(Number((high >> 3n) & 511n)),
      },
    );
    const cache = nonCoherent
      ? new WriteBackMemory(world, this.memory, [
          [directory, 0],
          [table, ENTRY_WORDS * PASID],
        ])
      : null;
    this.cache = cache;
    const iommu = createIntelIommu(world, {
      unit: this.unit,
      prq,
      ram: this.memory,
      ...(cache === null ? {} : { memory: cache, pages: [table], clflush: cache.clflush.bind(cache) }),
    });
    const info = createDeviceDomainInfo(world, iommu, { sid: RID, directory, pasids: PASIDS, ats_enabled: deviceTlb });
    const entries = new Words<Mm | null>(world, 'entries of the contract', new Array<null>(PASIDS).fill(null));
    this.dev = { name: 'dsa', max_pasids: PASID_MAX, dsa: new Dsa<Submitter>(world, 'dsa', 1), entries, info };
    const pasids = new PasidAllocator(world, PASID, PASID + PASIDS - 1);
    this.kernel = createKernel(world, functions, { cpus: 2, devices: [this.dev], pasids });
  }

  /** An address space with one user. */
  mm(name: string): Mm {
    const { kernel, memory, mms, world } = this;
    const mm = new Mm(world, name, kernel.rqs.length);
    const [top, middle] = [memory.allocFrame(), memory.allocFrame()];
    mm.pgd = top;
    mm.tables = [top, middle];
    const flags = { P: 1, 'R/W': 1, 'U/S': 1, A: 1 };
    writeEntry(memory, top, 0, X86_64_TABLE, { ...flags, ADDR: middle });
    writeEntry(memory, middle, 0, X86_64_PDPTE_LEAF, { ...flags, D: 1, PS: 1, ADDR: 1 + mms.length });
    mms.push(mm);
    return mm;
  }

  /** Bound before the threads start. */
  bound(mm: Mm): SvaHandle {
    const bind = runAlone(this.kernel.iommu_sva_bind_device(this.dev, mm));
    assert(typeof bind !== 'number', `${mm.name} is not bound: ${String(bind)}`);
    return bind.handle;
  }

  /**
   * A write by the device under a PASID: the address space that it reached, null: refused. Observers: it is the owner's (null: anybody's), which
   * still has its pages; the unit takes no entry that nobody made.
   */
  *access(pasid: number, owner: Mm | null): Flow<Mm | null> {
    yield ATOMIC;
    const known = this.atc?.find(pasid, 0) ?? null;
    if (known !== null) return this.reach(pasid, known, owner);
    const walk = new Walk();
    Object.assign(walk, { sourceId: RID, pasid, page: 0, access: WRITE });
    const fault = yield* translate(this.unit.state, walk);
    // In one step with the end of the walk.
    this.observeEntry(walk);
    if (fault !== 0) return null;
    this.atc?.fill(pasid, 0, walk.pfn);
    return this.reach(pasid, walk.pfn, owner);
  }

  /** A group of page requests under a PASID, and its answer. */
  *pageRequest(pasid: number, owner: Mm, pages = 1): Flow<void> {
    const group = yield* this.pri.request(pasid, 0, owner, pages);
    if (group >= 0) yield this.pri.answered(group);
  }

  /** `others`, and hardware and kernel threads beside them. */
  threads(others: Readonly<Record<string, Flow<unknown> | Daemon>>): Record<string, Flow<unknown> | Daemon> {
    const { iommu } = this.dev.info!;
    const threads = { ...others, unit: { daemon: descriptorThread(this.world, this.unit) } };
    if (!this.pageRequests) return threads;
    return {
      ...threads,
      'irq/prq': { daemon: this.kernel.prq_interrupts(iommu) },
      iopf: { daemon: this.kernel.iopf_worker(iommu) },
    };
  }

  /** INV-6: an answer comes while the number is still its owner's. */
  private answer(prg_index: number): void {
    const { owner, pasid } = this.pri.respond(prg_index);
    const now = this.kernel.pasids.ownerOf(pasid);
    if (now === null || now === owner) return;
    throw new InvariantBroken(
      `INV-6: a page request for ${owner.name} under PASID ${pasid} is answered when the number is ${now.name}'s`,
    );
  }

  private reach(pasid: number, pfn: number, owner: Mm | null): Mm {
    const reached = this.mms[pfn / FRAMES_1G - 1];
    if (reached === undefined || (owner !== null && reached !== owner)) {
      throw new InvariantBroken(
        `INV-1: the device works for ${owner?.name ?? 'somebody'} under PASID ${pasid} and reaches ${reached?.name ?? `frame ${pfn}`}`,
      );
    }
    reached.pages.store(0);
    return reached;
  }

  /** The entry that this walk fetched, if it did: one that it found in the cache was looked at by the walk that fetched it. */
  private observeEntry({ pasidEntry, usedPasid }: Walk): void {
    const { did, fault, firstTable, pasid, pgtt } = pasidEntry;
    const isAbsent = fault === REASONS.S_PASID_NOT_PRESENT.code || fault === REASONS.S_DIRECTORY_NOT_PRESENT.code;
    if (pasid !== usedPasid || isAbsent) return;
    this.kernel.observe_taken(this.dev, pasid, did, pgtt, firstTable);
  }
}

/** Root, context, directory and table of the device. */
function makeTables(memory: RecordedMemory, isInstalled: boolean): Tables {
  const [root, context, directory, table] = Array.from({ length: 4 }, () => memory.allocFrame()) as [
    number,
    number,
    number,
    number,
  ];
  writeEntry(memory, root, 0, SCALABLE_ROOT_ENTRY, { LP: 1, LCTP: context });
  const enabled = { P: 1, DTE: 1, PASIDE: 1, PRE: 1 };
  writeEntry(memory, context, 4 * RID, SCALABLE_CONTEXT_ENTRY, { ...enabled, PASIDDIRPTR: directory });
  if (isInstalled) writeEntry(memory, directory, 0, PASID_DIRECTORY_ENTRY, { P: 1, SMPTBLPTR: table });
  return { root, directory, table };
}

/**
 * The omniscient observer: it knows each PASID's true owner and who gave each piece of work to a device, and stops an execution that breaks an
 * invariant (docs/litmus.md has the list). It looks within the step in which things happen, and changes nothing.
 */
import type { Cell } from '../base/index.ts';
import { MSR_IA32_PASID_VALID, pasidOfMsr, type RecordedMemory, type Work } from '../hw/index.ts';
import type { DmaDomain } from './iommu/dma-iommu.ts';
import type { Kernel } from './kernel.ts';
import { INIT_MM } from './mm/kernel-tables.ts';
import type { MmTables } from './mm/tables.ts';
import { type Device, IOMMU_PASID_INVALID, type Mm, type Submitter, type Task } from './objects.ts';

/** Frames of an mm: of its tables and pages, or those that it has in a device's memory. */
type FramesOf = Pick<MmTables, 'frames' | 'memory' | 'name'>;

/** What an execution broke. A verdict on the program, not a bug of ours. */
export class InvariantBroken extends Error {
  override readonly name = 'InvariantBroken';
}

/** INV-1, when a number is given out: nothing of its former owner may be left. */
export function observe_given(this: Kernel, pasid: number, mm: Mm, former: Mm | null): void {
  if (former === null || former === mm) return;
  for (const dev of this.devices) {
    const entry = dev.entries.load(pasid - this.pasids.first);
    if (entry !== null && entry !== mm) {
      throw new InvariantBroken(
        `INV-1: PASID ${pasid} is given to ${mm.name} while the entry of ${dev.name} leads to ${entry.name}`,
      );
    }
    for (let place = 0; place < dev.dsa.queue.length; place++) {
      const work = dev.dsa.queue.load(place);
      if (work?.pasid === pasid && work.owner.mm !== mm) {
        throw new InvariantBroken(
          `INV-1: PASID ${pasid} is given to ${mm.name} while ${dev.name} has work of ${work.owner.mm.name} under it`,
        );
      }
    }
  }
}

/** INV-3, when an entry is set up: the number is the mm's own. */
export function observe_entry(this: Kernel, dev: Device, pasid: number, mm: Mm): void {
  const owner = this.pasids.ownerOf(pasid);
  if (owner === mm) return;
  const whose = owner === null ? 'nobody' : owner.name;
  throw new InvariantBroken(
    `INV-3: the entry of PASID ${pasid} in ${dev.name} is set up for ${mm.name}, and the number belongs to ${whose}`,
  );
}

/** INV-2, at ENQCMD: a valid IA32_PASID holds the PASID of the current mm. */
export function observe_enqcmd(this: Kernel, tsk: Task, msr: number): void {
  if (msr < MSR_IA32_PASID_VALID) return;
  const mm = tsk.mm.load();
  const own = mm?.pasid.load() ?? IOMMU_PASID_INVALID;
  if (own === pasidOfMsr(msr)) return;
  const has = own === IOMMU_PASID_INVALID ? 'has none' : `has ${own}`;
  throw new InvariantBroken(
    `INV-2: ENQCMD of ${tsk.name} takes PASID ${pasidOfMsr(msr)}, and ${mm?.name ?? 'its mm'} ${has}`,
  );
}

/** INV-1 and INV-7, when a device works: on the memory of whoever gave it the work, and it can as long as that one is bound. */
export function observe_dma(this: Kernel, dev: Device, work: Work<Submitter>, reached: Mm | null): void {
  const { file, mm } = work.owner;
  if (reached === mm) return;
  if (reached !== null) {
    throw new InvariantBroken(
      `INV-1: ${dev.name} does ${work.task}'s work under PASID ${work.pasid} on the memory of ${reached.name}, not of ${mm.name}`,
    );
  }
  if (file.mm === mm && file.seen.bound.load() && !mm.seen.exiting.load()) {
    throw new InvariantBroken(
      `INV-7: ${dev.name} finds no entry of PASID ${work.pasid} for ${work.task}'s work while ${mm.name} is bound to it`,
    );
  }
}

/** What the running task, or the kernel for it, has seen in mm->pasid. */
export function observe_pasid(this: Kernel, pasid: number): void {
  this.current().seen_pasid = pasid;
}

/** INV-4, when ENQCMD ends in a signal or takes a second #GP: the mm had a PASID when that was last looked at. */
export function observe_refused(this: Kernel, tsk: Task, faults: number): void {
  if (tsk.seen_pasid === IOMMU_PASID_INVALID) return;
  throw new InvariantBroken(
    `INV-4: ENQCMD of ${tsk.name} fails after ${faults} #GP although ${tsk.mm.peek()?.name ?? 'its mm'} has PASID ${tsk.seen_pasid}`,
  );
}

/** INV-5, when a device has translated an address of an mm: the frame is a page of it. Context: within an atomic step. */
export function observe_reached(this: Kernel, whose: FramesOf, device: string, page: number, pfn: number): void {
  const what = mistaken(whose, pfn, 'page');
  if (what === null) return;
  throw new InvariantBroken(`INV-5: ${device} reaches frame ${pfn} through page ${page} of ${whose.name}: ${what}`);
}

/** INV-5 for rights: what was read-only when mprotect returned is not written. Context: within an atomic step. */
export function observe_written(
  this: Kernel,
  tables: MmTables,
  device: string,
  page: number,
  seal: Cell<number>,
): void {
  if (seal.load() === 0) return;
  throw new InvariantBroken(
    `INV-5: ${device} writes page ${page} of ${tables.name}, from which mprotect has taken the right`,
  );
}

/** INV-11, when a device has been told that a page is there so often that it asks no more. */
export function observe_gave_up(this: Kernel, tables: MmTables, device: string, page: number): void {
  throw new InvariantBroken(
    `INV-11: ${device} was told that page ${page} of ${tables.name} is there, does not find it so, and gives up`,
  );
}

/** INV-12, when an IOMMU is about to read a table: it is one. Context: within an atomic step. */
export function observe_walked(this: Kernel, tables: MmTables, table: number): void {
  const what = mistaken(tables, table, 'table');
  if (what === null) return;
  throw new InvariantBroken(`INV-12: the IOMMU reads frame ${table} as a table of ${tables.name}: ${what}`);
}

/**
 * INV-5 of the DMA API, when a device has translated an IOVA. `after`: unmap: the frame is free, or somebody else's; reuse: the number was given out again, for another
 * frame. Context: within an atomic step.
 */
export function observe_dma_reached(
  this: Kernel,
  { iovad, pt, seen }: DmaDomain,
  device: string,
  page: number,
  pfn: number,
  after: 'unmap' | 'reuse',
): void {
  const memory = pt.memory as RecordedMemory;
  if (after === 'unmap' && !memory.isInUse(pfn)) {
    throw new InvariantBroken(
      `INV-5: ${device} reaches frame ${pfn} through IOVA ${page} after it was unmapped and freed`,
    );
  }
  const now = after === 'reuse' ? seen.load(Math.floor(page / iovad.pages)) : pfn;
  if (now === pfn) return;
  throw new InvariantBroken(
    `INV-5: ${device} reaches frame ${pfn} through IOVA ${page}, which was given out again, for frame ${now}`,
  );
}

/** INV-12 for a domain's tables. `others`: frames that somebody else has taken. Context: within an atomic step. */
export function observe_domain_walked(
  this: Kernel,
  { pt }: DmaDomain,
  table: number,
  others: ReadonlySet<number>,
): void {
  const memory = pt.memory as RecordedMemory;
  if (memory.isInUse(table) && !others.has(table)) return;
  const what = others.has(table) ? 'somebody else has taken it' : 'it is free';
  throw new InvariantBroken(`INV-12: the IOMMU reads frame ${table} as a table of the domain, and ${what}`);
}

/** What a frame is that is taken for a page, or a table, of the mm; null: it is that. */
function mistaken({ frames, memory, name }: FramesOf, pfn: number, takenFor: 'page' | 'table'): string | null {
  const { level = null, mm = 'nobody' } = frames.get(pfn) ?? {};
  const text = `a ${level === null ? 'page' : `level ${level} table`} of ${mm}`;
  if (!memory.isInUse(pfn)) return `which is free and was ${text}`;
  const isTheirs = mm === name || (mm === INIT_MM && takenFor === 'table');
  return isTheirs && (level === null) === (takenFor === 'page') ? null : text;
}

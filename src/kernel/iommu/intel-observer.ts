/** What the observer (observer.ts) sees of a VT-d unit, its page requests and devices. It looks within the step in which things happen. */
import type { Kernel } from '../kernel.ts';
import type { Device, Mm } from '../objects.ts';
import { InvariantBroken } from '../observer.ts';
import { type IopfFault, infoOf } from './intel-iommu.ts';

/** Software is about to make an entry valid that says this. */
export function observe_meant(this: Kernel, dev: Device, did: number, pgtt: number, table: number): void {
  infoOf(dev).meant.add(keyOf(did, pgtt, table));
}

/** INV-10: a unit that took a PASID entry for valid took one that software meant. */
export function observe_taken(
  this: Kernel,
  dev: Device,
  pasid: number,
  did: number,
  pgtt: number,
  table: number,
): void {
  if (infoOf(dev).meant.has(keyOf(did, pgtt, table))) return;
  throw new InvariantBroken(
    `INV-10: the unit uses an entry of PASID ${pasid} with domain ${did}, type ${pgtt}, table ${table}, which nobody has made`,
  );
}

/** INV-6, when a drain has ended: no request of the PASID is left in the ring, the partial list, the workqueue. Context: an atomic step. */
export function observe_drained(this: Kernel, dev: Device, pasid: number): void {
  const { iommu, partial, sid } = infoOf(dev);
  const { iopf_work, prq } = iommu;
  const isOurs = (fault: IopfFault | null) => fault !== null && fault.rid === sid && fault.pasid === pasid;
  const left: string[] = [];
  for (let entry = prq.PQH.load(); entry !== prq.PQT.load(); entry = prq.next(entry)) {
    if (isOurs(prq.ring.load(entry))) left.push('the ring');
  }
  if (partial.load().some(isOurs)) left.push('the partial list');
  if (iopf_work.load().some((group) => group.dev === dev && group.faults.some(isOurs))) left.push('the workqueue');
  if (left.length === 0) return;
  throw new InvariantBroken(
    `INV-6: PASID ${pasid} of ${dev.name} is drained, and a request of it is in ${left.join(', ')}`,
  );
}

/** INV-6, when a fault is handled: on the address space for which the device asked. */
export function observe_handled(this: Kernel, fault: IopfFault, mm: Mm): void {
  if (fault.owner === mm) return;
  throw new InvariantBroken(
    `INV-6: a page request for ${fault.owner.name} under PASID ${fault.pasid} is handled in the address space of ${mm.name}`,
  );
}

function keyOf(did: number, pgtt: number, table: number): string {
  return `${did} ${pgtt} ${table}`;
}

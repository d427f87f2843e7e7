/**
 * What must hold of PASIDs, page tables and faults whatever a design does (facts of the Linux bugs that broke each). Those with functions
 * are looked at by the observer, within the step in which things happen; `checked` says where the others are, or that none is.
 */
import type { KernelFunctions } from './kernel.ts';

export interface Invariant {
  readonly id: `INV-${number}`;
  readonly text: string;
  /** Functions of the observer that stop an execution which breaks it. */
  readonly by: readonly (keyof KernelFunctions)[];
  /** Where it is looked at, in a sentence. */
  readonly checked: string;
}

export const INVARIANTS: readonly Invariant[] = [
  {
    id: 'INV-1',
    text: 'A PASID is given to a second mm only when nothing of the first is left under it: no PASID table entry, no cached translation, no page request, no work that a device was given. A CPU may keep it in its MSR: INV-2 guards that.',
    by: ['observe_given', 'observe_dma'],
    checked:
      'when a number is given out (entries and queued work), and whenever a device works (whose memory it reaches)',
  },
  {
    id: 'INV-2',
    text: 'Where ENQCMD finds a valid IA32_PASID, it holds the PASID of the address space that the task runs in.',
    by: ['observe_enqcmd'],
    checked: 'at each ENQCMD',
  },
  {
    id: 'INV-3',
    text: 'No two address spaces have one live PASID.',
    by: ['observe_entry'],
    checked: 'when an entry of a PASID table is set up',
  },
  {
    id: 'INV-4',
    text: 'ENQCMD of a task whose address space has a PASID is done after one #GP at most.',
    by: ['observe_refused'],
    checked: 'when an ENQCMD ends in a signal or a second #GP',
  },
  {
    id: 'INV-5',
    text: 'When a data page is freed, or goes to another owner, no IOTLB or device TLB still lets a device reach it. With queued flushes: no cached translation can be used once its IOVA is given out again.',
    by: ['observe_reached', 'observe_written', 'observe_dma_reached', 'observe_translated'],
    checked:
      'whenever a device reaches a page of an mm whose tables it walks (litmus tests external: …, L23) or mirrors (mirror: …, HMM …, migrate_vma …), or one through an IOVA (dma: …), or of a domain (reclaim: …, L42); on the VT-d unit (test/vtd/litmus.test.ts): after the invalidation no translation that begins is an old one',
  },
  {
    id: 'INV-6',
    text: 'When a drain has returned, no page request of that device and PASID is left in the ring, in a partial list or in the work queue, and none is answered later.',
    by: ['observe_drained', 'observe_handled'],
    checked:
      'on a VT-d unit: when a drain has ended, when a fault is handled, and when a group is answered (litmus tests L08, L39)',
  },
  {
    id: 'INV-7',
    text: 'A device reaches an address space for as long as one bind of the two is live.',
    by: ['observe_dma'],
    checked: 'whenever a device works and finds no entry',
  },
  {
    id: 'INV-8',
    text: 'Nobody touches a domain, a handle, data of an mm, a device or a queue after it was freed.',
    by: [],
    checked:
      'by the checker: touching what was freed (an mm_struct, its pages, a domain, a frame) is a use after free; by the kernel functions that count: none goes on after it was 0',
  },
  {
    id: 'INV-9',
    text: 'Each group of faults gets one response, each invalidation that is waited for ends, and nothing waits for ever.',
    by: [],
    checked:
      'by the checker, as deadlock and livelock; by might_sleep, in atomic context; by the device, which is answered once for each group',
  },
  {
    id: 'INV-10',
    text: 'Whatever hardware reads in several words or steps, it sees a state that software meant: 128 bits are read at once, no more, and from memory, not from a CPU cache, where the unit is not coherent.',
    by: ['observe_taken'],
    checked: 'on a VT-d unit: whenever it takes a PASID entry for valid (litmus tests L20 to L22)',
  },
  {
    id: 'INV-11',
    text: 'When a device has the response to a fault, it sees the rights that were added for it.',
    by: ['observe_gave_up'],
    checked: 'when a device gives up after so many answers that a page is there (litmus tests external: …)',
  },
  {
    id: 'INV-12',
    text: 'A page of a page table is freed only after a flush, of paging-structure caches too, of all that may hold a pointer to it, walks under way included.',
    by: [
      'observe_walked',
      'observe_domain_walked',
      'observe_table_read',
      'observe_table_freed',
      'observe_mapping',
      'observe_at_rest',
    ],
    checked:
      'whenever an IOMMU reads a table of an mm (litmus tests external: …, kernel half: …, L23, L36) or of a domain (dma: …, L33), whenever a table of a domain is freed, and when all is quiet (reclaim: …, L42); by the litmus tests of the VT-d unit (test/vtd/litmus.test.ts)',
  },
  {
    id: 'INV-13',
    text: 'An entry that changes to another page is usable by a CPU only when the secondary TLBs have been flushed of the old one.',
    by: [],
    checked: 'by litmus tests L35 and mirror: two addresses, which read two pages in the order that shows it',
  },
];

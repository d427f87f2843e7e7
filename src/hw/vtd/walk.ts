/** One request on its way through a unit: what was asked, what was found, and what the way there needs. */
import { type ContextEntry, NO_PASID, newContext, newPasid, type PasidEntry } from './caches.ts';

/** Address types of a request. */
export const UNTRANSLATED = 0;
export const TRANSLATION_REQUEST = 1;
export const TRANSLATED = 2;

export class Walk {
  sourceId = 0;
  /** NO_PASID: a request without PASID. */
  pasid = NO_PASID;
  /** Bits 63:12 of the address, as a number of 52 bits. */
  page = 0;
  /** READ, WRITE, EXECUTE (caches.ts), one or several. */
  access = 0;
  privileged = false;
  addressType = UNTRANSLATED;

  /** FPD is set in an entry that was reached. */
  fpd = false;
  /** Frame that the page is translated to, when there was no fault. */
  pfn = 0;
  /** Level of the smallest page on the way: 0, 1, 2; and the rights that came with it. */
  size = 0;
  rights = 0;
  /** First stage: the level of its page, which a nested translation may be smaller than; and the page that it came to. */
  firstSize = 0;
  gpa = -1;
  /** Tags of what was found. `usedPasid`: also that of a request without one, in scalable mode. */
  did = 0;
  usedPasid = NO_PASID;

  /** Translations are found by source (`iotlbBySource`). */
  bySource = false;
  /** Invalidations before the walk began. */
  began = 0;
  /** What the second stage came to (nested: of one of several addresses). */
  secondPfn = 0;
  secondSize = 0;
  secondRights = 0;
  /** It ended at an entry that is not present. */
  secondAbsent = false;
  /** The entry just read: halves, and whether it is there. */
  lo = 0;
  hi = 0;
  lo2 = 0;
  hi2 = 0;
  /** In place of cached entries, where nothing may be cached. */
  readonly context: ContextEntry = newContext();
  readonly pasidEntry: PasidEntry = newPasid();
}

/**
 * What the caches would say once more: the last translations by source, PASID and page, in front of context cache, PASID cache and
 * IOTLB. Not a cache of its own: an entry counts only as long as nothing has been dropped from those three or put before what they
 * had (`version`), so that the answer is theirs. For straight-line calls.
 */
const SLOTS = 1024;
const MASK = SLOTS - 1;

export class Front {
  /** Source and PASID in one number, and whether the request is privileged; -1: none. */
  private readonly keys = new Float64Array(SLOTS).fill(-1);
  private readonly pages = new Float64Array(SLOTS);
  private readonly frames = new Float64Array(SLOTS);
  private readonly versions = new Int32Array(SLOTS);
  /** What requests may ask for in bits 5:0, rights of the translation in 11:6, size above. */
  private readonly rights = new Int32Array(SLOTS);

  /** A slot with a translation that allows `need`, or -1. */
  find(key: number, page: number, need: number, version: number): number {
    const slot = (page ^ (key * 31)) & MASK;
    const isKnown =
      this.pages[slot] === page &&
      this.keys[slot] === key &&
      this.versions[slot] === version &&
      (this.rights[slot]! & need) === need;
    return isKnown ? slot : -1;
  }

  frame(slot: number): number {
    return this.frames[slot]!;
  }

  rightsIn(slot: number): number {
    return (this.rights[slot]! >> 6) & 63;
  }

  sizeIn(slot: number): number {
    return this.rights[slot]! >> 12;
  }

  /** `allowed`: what was asked for, or may be without being looked at again. */
  remember(
    key: number,
    page: number,
    version: number,
    frame: number,
    allowed: number,
    rights: number,
    size: number,
  ): void {
    const slot = (page ^ (key * 31)) & MASK;
    this.keys[slot] = key;
    this.pages[slot] = page;
    this.versions[slot] = version;
    this.frames[slot] = frame;
    this.rights[slot] = allowed | (rights << 6) | (size << 12);
  }
}

/** Source id, PASID (-1: none) and privilege. */
export function frontKey(sourceId: number, pasid: number, privileged: boolean): number {
  return (sourceId * 0x200000 + pasid + 1) * 2 + (privileged ? 1 : 0);
}

/** Arena memory that tells of each frame given out and taken back, and refuses to take one back twice. */
import { ArenaMemory, type ArenaOptions } from '../../src/hw/memory/arena-memory.ts';

export class WatchedMemory extends ArenaMemory {
  readonly given = new Set<number>();
  onFree: (frame: number) => void = () => {};

  constructor(options: ArenaOptions = {}) {
    super(options);
  }

  override allocFrame(holdsPointers?: boolean): number {
    const frame = super.allocFrame(holdsPointers);
    if (frame !== 0) {
      if (this.given.has(frame)) throw new Error(`frame ${frame} was given out twice`);
      this.given.add(frame);
    }
    return frame;
  }

  override freeFrame(frame: number): void {
    if (!this.given.delete(frame)) throw new Error(`frame ${frame} was freed twice, or never given out`);
    this.onFree(frame);
    super.freeFrame(frame);
  }
}

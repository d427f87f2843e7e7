import { describe, expect, it } from 'vitest';
import { explore } from '../../../test/support/toy-scheduler.ts';
import type { Flow } from '../../base/flow.ts';
import { type AccessEvent, UseAfterFree, World } from '../../base/world.ts';
import { MemoryMisuse, RecordedMemory } from './recorded-memory.ts';

/** What `act` adds to the log, as `object[word] kind`. */
function logOf(world: World, act: () => void): string[] {
  const from = world.logged;
  act();
  return [...world.log.slice(from, world.logged)].map((code) => {
    const { object, word } = world.locations.find(code >> 1, world.stride)!;
    return `${object.name}[${word}] ${code % 2 === 1 ? 'write' : 'read'}`;
  });
}

function oneFrame(world = new World()): { world: World; memory: RecordedMemory; pfn: number } {
  const memory = new RecordedMemory(world);
  return { world, memory, pfn: memory.allocFrame() };
}

const LIFE = 513;
const COUNTER = 512;

describe('the log of RecordedMemory', () => {
  it('has each word of a frame as a location of its own, and the life of the frame with each access', () => {
    const { world, memory, pfn } = oneFrame();
    const life = `frame ${pfn}[${LIFE}] read`;
    expect(logOf(world, () => memory.lo(memory.locate(pfn, 7)))).toEqual([life, 'frame 1[7] read']);
    expect(logOf(world, () => memory.store(pfn, 511, 1, 2))).toEqual([life, 'frame 1[511] write']);
    expect(logOf(world, () => memory.installIfZero(pfn, 511, 1, 2))).toEqual([life, 'frame 1[511] read']);
    expect(logOf(world, () => memory.installIfZero(pfn, 3, 1, 2))).toEqual([life, 'frame 1[3] write']);
    expect(logOf(world, () => memory.exchangeZero(pfn, 3))).toEqual([life, 'frame 1[3] write']);
    expect(logOf(world, () => memory.addEntries(pfn, 0))).toEqual([life, `frame 1[${COUNTER}] read`]);
    expect(logOf(world, () => memory.addRefcount(pfn, 1))).toEqual([life, `frame 1[${COUNTER}] write`]);
  });

  it('has the allocator in allocation and free, since who is first gets the frame', () => {
    const { world, memory, pfn } = oneFrame();
    const freed = logOf(world, () => memory.freeFrame(pfn));
    expect(freed).toEqual(['frame allocator[0] write', `frame 1[${LIFE}] write`]);
    const allocated = logOf(world, () => memory.allocFrame());
    expect(allocated).toEqual(['frame allocator[0] write', `frame 1[${LIFE}] write`, `frame 1[${COUNTER}] write`]);
  });

  it('counts one access a step: both halves of a word are one, two words are two', () => {
    const { world, memory, pfn } = oneFrame();
    const accesses = (act: () => void): number => {
      world.plainAccesses = 0;
      act();
      return world.plainAccesses;
    };
    const at = memory.locate(pfn, 7);
    expect(accesses(() => memory.lo(at) + memory.hi(at))).toBe(1);
    expect(accesses(() => memory.hi(at))).toBe(1);
    expect(accesses(() => memory.lo(at) + memory.lo(memory.locate(pfn, 8)))).toBe(2);
    expect(accesses(() => memory.tableIn(pfn, 7, 0, 0))).toBe(1);
    expect(accesses(() => memory.installIfZero(pfn, 7, 1, 1))).toBe(1);
    expect(accesses(() => memory.exchangeZero(pfn, 7))).toBe(1);
    expect(accesses(() => memory.store(pfn, 7, memory.lo(at) | 1, 0))).toBe(2);
  });

  it('marks a compare-exchange', () => {
    const { world, memory, pfn } = oneFrame();
    world.exchanged = false;
    memory.exchangeZero(pfn, 0);
    expect(world.exchanged).toBe(false);
    memory.installIfZero(pfn, 0, 1, 1);
    expect(world.exchanged).toBe(true);
  });
});

describe('what RecordedMemory holds', () => {
  it('is what was stored, as the interface says: positions of a run are two apart', () => {
    const { memory, pfn } = oneFrame();
    const at = memory.open(pfn, 5);
    memory.put(at, 0x1003, -1);
    memory.put(at + 2, 0x2003, 7);
    expect([memory.lo(memory.locate(pfn, 6)), memory.hi(memory.locate(pfn, 6))]).toEqual([0x2003, 7]);
    expect([memory.peekLo(pfn, 5), memory.peekHi(pfn, 5)]).toEqual([0x1003, -1]);
    expect(memory.tableIn(pfn, 6, 3, 3)).toBe((0x2003 >>> 12) | (7 << 20));
    memory.clear(pfn, 5);
    expect(memory.exchangeZero(pfn, 6)).toBe(0x2003);
    expect([memory.peekLo(pfn, 5), memory.peekLo(pfn, 6)]).toEqual([0, 0]);
  });

  it('is zero in a new frame, and in one that is handed out again', () => {
    const { memory, pfn } = oneFrame();
    memory.store(pfn, 9, 1, 1);
    memory.addEntries(pfn, 3);
    memory.freeFrame(pfn);
    expect(memory.framesInUse).toBe(0);
    expect(memory.allocFrame()).toBe(pfn);
    expect(memory.framesInUse).toBe(1);
    expect(memory.lo(memory.locate(pfn, 9))).toBe(0);
    expect(memory.addEntries(pfn, 0)).toBe(0);
  });

  it('is told as 64-bit words', () => {
    const told: AccessEvent[] = [];
    const { memory, pfn } = oneFrame(new World({ tracer: (event) => told.push(event) }));
    told.length = 0;
    memory.store(pfn, 1, -1, 1);
    memory.lo(memory.locate(pfn, 1));
    memory.hi(memory.locate(pfn, 1));
    expect(told.map(({ word, kind, before, after }) => [word, kind, before, after])).toEqual([
      [1, 'write', 0n, 0x1_ffff_ffffn],
      [1, 'read', 0x1_ffff_ffffn, 0x1_ffff_ffffn],
    ]);
  });
});

describe('misuse of memory', () => {
  it('is told: a touch after the free, a second free, a fill with zero, a frame that was never handed out', () => {
    const { memory, pfn } = oneFrame();
    expect(() => memory.fill(pfn, 0, 0, 0)).toThrow(MemoryMisuse);
    memory.freeFrame(pfn);
    expect(() => memory.lo(memory.locate(pfn, 3))).toThrow(UseAfterFree);
    expect(() => memory.lo(memory.locate(pfn, 3))).toThrow('word 3 of frame 1 is read after it was freed');
    expect(() => memory.store(pfn, 3, 1, 1)).toThrow('word 3 of frame 1 is written after it was freed');
    expect(() => memory.installIfZero(pfn, 3, 1, 1)).toThrow(UseAfterFree);
    expect(() => memory.freeFrame(pfn)).toThrow('frame 1 is freed twice');
    expect(() => memory.freeFrame(2)).toThrow('frame 2 is freed and was never handed out');
    expect(() => memory.lo(memory.locate(2, 3))).toThrow(
      'word 3 of frame 2 is read, a frame that was never handed out',
    );
  });

  it('is not a late look at the counter of struct page, which is counted', () => {
    const { memory, pfn } = oneFrame();
    memory.freeFrame(pfn);
    memory.addRefcount(pfn, 0);
    memory.addRefcount(pfn, -1);
    expect(memory.lateCounts).toBe(2);
  });

  it('is not a look at frame 0, which reads as zero', () => {
    const { memory } = oneFrame();
    expect(memory.lo(memory.locate(0, 3))).toBe(0);
  });
});

describe('frames of one number', () => {
  it('are one object, whichever thread allocates first', () => {
    const names = new Set<string>();
    explore((world) => {
      const memory = new RecordedMemory(world);
      function* body(): Flow<void> {
        yield;
        const pfn = memory.allocFrame();
        yield;
        memory.store(pfn, 0, pfn, 0);
        yield;
        memory.freeFrame(pfn);
      }
      const end = () => names.add(world.locations.objects.map(({ name }) => name).join(', '));
      return { threads: [body(), body()], end };
    });
    expect([...names].sort()).toEqual(['frame allocator, frame 1', 'frame allocator, frame 1, frame 2']);
  });
});

describe('under TSO', () => {
  it('a plain store waits in the buffer, where its own thread finds it', () => {
    const world = new World({ memory: 'tso' });
    const { memory, pfn } = oneFrame(world);
    world.makeBuffers(2);
    const at = memory.locate(pfn, 4);
    const seenBy = (thread: number) => {
      world.thread = thread;
      return [memory.lo(at), memory.hi(at)];
    };
    world.thread = 0;
    memory.store(pfn, 4, -5, 6);
    expect(seenBy(0)).toEqual([-5, 6]);
    expect(seenBy(1)).toEqual([0, 0]);
    world.thread = 0;
    expect(() => memory.exchangeZero(pfn, 4)).toThrow(/is a locked operation/);
    expect(() => memory.freeFrame(pfn)).toThrow(/is a locked operation/);
    world.bufferOf(0)!.flush();
    expect(seenBy(1)).toEqual([-5, 6]);
    world.thread = 0;
    expect(memory.exchangeZero(pfn, 4)).toBe(-5);
  });
});

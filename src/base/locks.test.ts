import { describe, expect, it } from 'vitest';
import { type Execution, explore, type Program } from '../../test/support/toy-scheduler.ts';
import { Cell } from './cell.ts';
import type { Flow } from './flow.ts';
import { LockMisuse, Mutex, RwLock, SpinLock } from './locks.ts';
import { World } from './world.ts';

type AnyLock = SpinLock | Mutex;

function deadlocks(runs: readonly Execution[]) {
  return runs.filter((run) => run.deadlock !== null);
}

function* takeBoth(first: AnyLock, second: AnyLock): Flow<void> {
  yield first.acquire();
  yield second.acquire();
  yield second.release();
  yield first.release();
}

const KINDS = [
  { kind: 'SpinLock', make: (world: World, name: string): AnyLock => new SpinLock(world, name) },
  { kind: 'Mutex', make: (world: World, name: string): AnyLock => new Mutex(world, name) },
];

for (const { kind, make } of KINDS) {
  describe(kind, () => {
    it('keeps others out: two critical sections have two orders', () => {
      const ends = new Set<number>();
      const runs = explore((world) => {
        const lock = make(world, 'lock');
        const cell = new Cell(world, 'counter', 0);
        function* body(): Flow<void> {
          yield lock.acquire();
          yield;
          const seen = cell.load();
          yield;
          cell.store(seen + 1);
          yield lock.release();
        }
        return { threads: [body(), body()], end: () => ends.add(cell.peek()) };
      });
      expect(runs).toHaveLength(2);
      expect([...ends]).toEqual([2]);
    });

    it('taken in opposite orders deadlocks, and the report says who waits for whom', () => {
      const stuck = deadlocks(
        explore((world) => {
          const [a, b] = [make(world, 'a'), make(world, 'b')];
          return { threads: [takeBoth(a, b), takeBoth(b, a)] };
        }),
      );
      expect(stuck.length).toBeGreaterThan(0);
      for (const { deadlock } of stuck) {
        expect(deadlock).toEqual([
          { thread: 0, label: 'b.acquire', waitsFor: [1] },
          { thread: 1, label: 'a.acquire', waitsFor: [0] },
        ]);
      }
    });

    it('taken in one order does not deadlock', () => {
      const runs = explore((world) => {
        const [a, b] = [make(world, 'a'), make(world, 'b')];
        return { threads: [takeBoth(a, b), takeBoth(a, b)] };
      });
      expect(deadlocks(runs)).toEqual([]);
    });

    it('released by another than its owner is a misuse', () => {
      const program = (world: World): Program => {
        const lock = make(world, 'lock');
        function* release(): Flow<void> {
          yield lock.release();
        }
        return { threads: [release()] };
      };
      expect(() => explore(program)).toThrow(LockMisuse);
      expect(() => explore(program)).toThrow('lock is released by thread 0, which does not hold it');
    });

    it('logs a write of its one word when it is taken and when it is given back', () => {
      const world = new World();
      const lock = make(world, 'lock');
      lock.acquire().perform(2);
      expect(lock.owner).toBe(2);
      lock.release().perform(2);
      expect(lock.owner).toBe(-1);
      const write = 2 * lock.object.base + 1;
      expect([...world.log.slice(0, world.logged)]).toEqual([write, write]);
    });
  });
}

describe('a thread that holds a spinlock', () => {
  function nested(outer: (world: World) => AnyLock | RwLock, inner: (world: World) => AnyLock) {
    const world = new World();
    const [first, second] = [outer(world), inner(world)];
    const take = first instanceof RwLock ? first.readLock() : first.acquire();
    const give = first instanceof RwLock ? first.readUnlock() : first.release();
    take.perform(0);
    return { take: () => second.acquire().perform(0), give: () => give.perform(0) };
  }
  const spin = (world: World) => new SpinLock(world, 'spin');
  const mutex = (world: World) => new Mutex(world, 'mutex');

  it('may not take a mutex', () => {
    expect(nested(spin, mutex).take).toThrow(LockMisuse);
    expect(nested(spin, mutex).take).toThrow(
      'mutex may sleep and is taken by thread 0 while it holds a spinlock (scheduling while atomic)',
    );
    expect(nested((world) => new RwLock(world, 'rw'), mutex).take).toThrow(/scheduling while atomic/);
  });

  it('may take it once the spinlock is given back', () => {
    const { take, give } = nested(spin, mutex);
    give();
    expect(take).not.toThrow();
  });

  it('may take another spinlock, and one that holds a mutex may take either', () => {
    expect(nested(spin, (world) => new SpinLock(world, 'other')).take).not.toThrow();
    expect(nested(mutex, spin).take).not.toThrow();
    expect(nested(mutex, (world) => new Mutex(world, 'other')).take).not.toThrow();
  });

  it('does not keep another thread from a mutex', () => {
    const world = new World();
    new SpinLock(world, 'spin').acquire().perform(0);
    expect(() => new Mutex(world, 'mutex').acquire().perform(1)).not.toThrow();
  });
});

describe('RwLock', () => {
  it('lets readers in together and a writer alone', () => {
    let sometimesTogether = false;
    const runs = explore((world) => {
      const lock = new RwLock(world, 'lock');
      let [readers, writers, together] = [0, 0, 0];
      function* read(): Flow<void> {
        yield lock.readLock();
        readers++;
        if (readers === 2) together++;
        expect(writers).toBe(0);
        yield lock.readUnlock();
        readers--;
      }
      function* write(): Flow<void> {
        yield lock.writeLock();
        writers++;
        expect([readers, writers]).toEqual([0, 1]);
        yield lock.writeUnlock();
        writers--;
      }
      return { threads: [read(), read(), write()], end: () => (sometimesTogether ||= together > 0) };
    });
    expect(deadlocks(runs)).toEqual([]);
    expect(sometimesTogether).toBe(true);
  });

  it('cannot be upgraded: two readers that both want to write wait for each other', () => {
    const runs = explore((world) => {
      const lock = new RwLock(world, 'lock');
      function* upgrade(): Flow<void> {
        yield lock.readLock();
        yield lock.writeLock();
      }
      return { threads: [upgrade(), upgrade()] };
    });
    const both = deadlocks(runs).find(({ deadlock }) => deadlock?.every(({ waitsFor }) => waitsFor.length === 2));
    expect(both?.deadlock?.map(({ label }) => label)).toEqual(['lock.writeLock', 'lock.writeLock']);
  });

  it('has no access in common for two readers that only read it', () => {
    const world = new World();
    const lock = new RwLock(world, 'lock');
    const codes = (thread: number): number[] => {
      const from = world.logged;
      lock.readLock().perform(thread);
      return [...world.log.slice(from, world.logged)];
    };
    const [first, second] = [codes(0), codes(1)];
    const writes = (row: readonly number[]) => row.filter((code) => code % 2 === 1).map((code) => code >> 1);
    const touched = new Set(second.map((code) => code >> 1));
    expect(writes(first).filter((location) => touched.has(location))).toEqual([]);
    expect(writes(first)).not.toEqual([]);
  });

  it('unlocked by who does not hold it is a misuse', () => {
    const world = new World();
    const lock = new RwLock(world, 'lock');
    expect(() => lock.readUnlock().perform(1)).toThrow(LockMisuse);
    expect(() => lock.readUnlock().perform(1)).toThrow('lock is read-unlocked by thread 1, which does not hold it');
    lock.writeLock().perform(0);
    expect(() => lock.writeUnlock().perform(1)).toThrow('lock is write-unlocked by thread 1, which does not hold it');
  });

  it('read-locked twice by one thread is given back twice', () => {
    const world = new World();
    const lock = new RwLock(world, 'lock');
    lock.readLock().perform(0);
    lock.readLock().perform(0);
    lock.readUnlock().perform(0);
    expect(lock.writeLock().enabled(1)).toBe(false);
    lock.readUnlock().perform(0);
    expect(lock.writeLock().enabled(1)).toBe(true);
  });

  it('says so when a thread beyond those that it was made for uses it', () => {
    const lock = new RwLock(new World(), 'lock', 2);
    expect(() => lock.readLock().perform(2)).toThrow(/made for 2 threads, used by thread 2/);
  });
});

import { describe, expect, it } from 'vitest';
import { Cell } from '../../src/base/cell.ts';
import type { Flow } from '../../src/base/flow.ts';
import { RwLock } from '../../src/base/locks.ts';
import { QueuedRwLock } from '../../src/base/queued-rwlock.ts';
import type { World } from '../../src/base/world.ts';
import { check, type Program } from '../../src/check/index.ts';

function verdictOf(program: (world: World) => Program) {
  const { verdict, violation } = check({ name: 'lock', expect: 'holds', program }, { minimise: 0 });
  return { verdict, message: violation?.message };
}

function* reads(lock: RwLock, times: number): Flow<void> {
  for (let i = 0; i < times; i++) yield lock.readLock();
  for (let i = 0; i < times; i++) yield lock.readUnlock();
}

function* writes(lock: RwLock, cell: Cell<number>): Flow<void> {
  yield lock.writeLock();
  yield;
  const value = cell.load();
  yield;
  cell.store(value + 1);
  yield lock.writeUnlock();
}

const program =
  (Lock: typeof RwLock | typeof QueuedRwLock, readers: readonly number[], writers: number) =>
  (world: World): Program => {
    const lock = new Lock(world, 'lock');
    const cell = new Cell(world, 'cell', 0);
    const queued = (flow: Flow<void>) => (lock instanceof QueuedRwLock ? lock.queueing(flow) : flow);
    const threads = [
      ...readers.map((times) => queued(reads(lock, times))),
      ...Array.from({ length: writers }, () => queued(writes(lock, cell))),
    ];
    return { threads, sometimes: { 'all have written': () => cell.peek() === writers } };
  };

describe('a lock with a queue', () => {
  it('lets nobody ask twice to read while a writer waits; a lock without one does', () => {
    expect(verdictOf(program(RwLock, [2], 1)).verdict).toBe('holds');
    expect(verdictOf(program(QueuedRwLock, [2], 1))).toMatchObject({
      verdict: 'violated',
      message: expect.stringMatching(/waits in lock.readLock for 1, 1 waits in lock.writeLock/),
    });
  });

  it('excludes writers, and comes to an end', () => {
    expect(verdictOf(program(QueuedRwLock, [1, 1], 2)).verdict).toBe('holds');
  });
});

import { describe, expect, it } from 'vitest';
import { explore } from '../../test/support/toy-scheduler.ts';
import type { Flow } from './flow.ts';
import { Queue } from './queue.ts';
import { World } from './world.ts';

function* put(queue: Queue<number>, items: readonly number[]): Flow<void> {
  for (const item of items) {
    yield;
    queue.put(item);
  }
}

function* putWhenThereIsRoom(queue: Queue<number>, items: readonly number[]): Flow<void> {
  for (const item of items) {
    yield queue.notFull();
    queue.put(item);
  }
}

function* take(queue: Queue<number>, count: number, into: number[]): Flow<void> {
  for (let i = 0; i < count; i++) {
    yield queue.notEmpty();
    into.push(queue.take());
  }
}

describe('Queue', () => {
  it('gives items back in the order in which they were put', () => {
    const runs = explore((world) => {
      const queue = new Queue<number>(world, 'queue');
      const got: number[] = [];
      return {
        threads: [put(queue, [1, 2, 3]), take(queue, 3, got)],
        end: () => expect(got).toEqual([1, 2, 3]),
      };
    });
    expect(runs.filter(({ deadlock }) => deadlock !== null)).toEqual([]);
    // Rows of three puts and three takes in which no take is ahead: the Catalan number.
    expect(runs).toHaveLength(5);
  });

  it('gives each item to one taker', () => {
    const splits = new Set<string>();
    explore((world) => {
      const queue = new Queue<number>(world, 'queue');
      const [one, other]: [number[], number[]] = [[], []];
      return {
        threads: [put(queue, [1, 2]), take(queue, 1, one), take(queue, 1, other)],
        end: () => splits.add(`${one} ${other}`),
      };
    });
    expect([...splits].sort()).toEqual(['1 2', '2 1']);
  });

  it('keeps a taker waiting that nobody puts anything for', () => {
    const runs = explore((world) => ({ threads: [take(new Queue<number>(world, 'queue'), 1, [])] }));
    expect(runs.map(({ deadlock }) => deadlock)).toEqual([[{ thread: 0, label: 'queue.notEmpty', waitsFor: [] }]]);
  });

  it('keeps a putter waiting while it is full', () => {
    const lengths = new Set<number>();
    const runs = explore((world) => {
      const queue = new Queue<number>(world, 'queue', 1);
      const got: number[] = [];
      function* watched(): Flow<void> {
        for (const step of putWhenThereIsRoom(queue, [1, 2])) {
          lengths.add(queue.peekLength());
          yield step;
        }
      }
      return { threads: [watched(), take(queue, 2, got)], end: () => expect(got).toEqual([1, 2]) };
    });
    expect(runs).toHaveLength(1);
    expect(Math.max(...lengths)).toBe(1);
  });

  it('says what stands before a take, and before a put into a full one', () => {
    const queue = new Queue<number>(new World(), 'queue', 1);
    expect(() => queue.take()).toThrow('queue is empty: take() stands behind `yield queue.notEmpty();`');
    queue.put(1);
    expect(() => queue.put(2)).toThrow('queue is full: put() stands behind `yield queue.notFull();`');
  });

  it('is one word: each put and take writes it, each wait reads it', () => {
    const world = new World();
    const queue = new Queue<number>(world, 'queue');
    queue.put(1);
    queue.notEmpty().perform(0);
    queue.take();
    const read = 2 * queue.object.base;
    expect([...world.log.slice(0, world.logged)]).toEqual([read + 1, read, read + 1]);
    expect(queue.peekLength()).toBe(0);
  });
});

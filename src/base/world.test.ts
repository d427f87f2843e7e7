import { describe, expect, it } from 'vitest';
import { Cell } from './cell.ts';
import { LocationTable, MAX_THREADS, World } from './world.ts';

describe('locations', () => {
  it('are the same in each execution of a program', () => {
    const locations = new LocationTable();
    const bases = [1, 2].map(() => {
      const world = new World({ locations });
      return ['x', 'y'].map((name) => new Cell(world, name, 0).object.base);
    });
    expect(bases[1]).toEqual(bases[0]);
    expect(locations.objects.map(({ name }) => name)).toEqual(['x', 'y']);
  });

  it('do not depend on the order in which threads make their objects', () => {
    const locations = new LocationTable();
    const make = (order: readonly number[]) => {
      const world = new World({ locations });
      const bases: number[] = [];
      for (const thread of order) {
        world.thread = thread;
        bases[thread] = world.register(`made by ${thread}`).base;
      }
      return bases;
    };
    expect(make([1, 0])).toEqual(make([0, 1]));
  });

  it('go by name for what any thread may be the first to need', () => {
    const locations = new LocationTable();
    const make = (thread: number) => {
      const world = new World({ locations });
      world.thread = thread;
      return world.lazily(() => world.register('shared')).base;
    };
    expect(make(1)).toBe(make(0));
  });

  it('that are made in one place by some schedules, and not by others, have their own each', () => {
    const locations = new LocationTable();
    const make = (name: string) => new World({ locations }).register(name).base;
    const [x, y] = [make('x'), make('y')];
    expect(y).not.toBe(x);
    expect([make('x'), make('y')]).toEqual([x, y]);
  });

  it('begin again when a world is reset', () => {
    const world = new World();
    const first = world.register('x');
    world.reset();
    expect(world.register('x')).toBe(first);
  });

  it('are found again: the object and its word', () => {
    for (const memory of ['sc', 'tso'] as const) {
      const world = new World({ memory });
      const [x, array] = [world.register('x'), world.register('array', 3)];
      const { stride, locations } = world;
      expect(locations.find(world.locationOf(array, 2), stride)).toEqual({ object: array, word: 2 });
      expect(locations.find(world.locationOf(x), stride)).toEqual({ object: x, word: 0 });
      expect(locations.find(locations.size, stride)).toBeUndefined();
    }
  });
});

describe('the log', () => {
  it('grows as an execution does', () => {
    const world = new World({ log: new Int32Array(2) });
    for (let code = 0; code < 9; code++) world.note(code);
    expect([...world.log.slice(0, world.logged)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('has what objects record that keep their own values', () => {
    const world = new World();
    const object = world.register('table', 4);
    world.record(object, 'read', 3);
    world.record(object, 'write');
    expect([...world.log.slice(0, world.logged)]).toEqual([2 * (object.base + 3), 2 * object.base + 1]);
  });
});

describe('choose', () => {
  it('asks the chooser, unless there is but one option', () => {
    const asked: number[] = [];
    const world = new World({
      chooser: (options) => {
        asked.push(options);
        return options - 1;
      },
    });
    expect([world.choose(3), world.choose(1)]).toEqual([2, 0]);
    expect(asked).toEqual([3]);
  });

  it('has a whole number of options, from 1', () => {
    for (const options of [0, -1, 1.5, Number.NaN]) {
      expect(() => new World().choose(options), String(options)).toThrow(
        /how many options there are is a whole number/,
      );
    }
  });

  it('does not believe a chooser that takes what is not there', () => {
    for (const chosen of [2, -1, 0.5]) {
      expect(() => new World({ chooser: () => chosen }).choose(2)).toThrow(/the chooser gave/);
    }
  });
});

describe('under TSO', () => {
  it('a program has a limited number of threads', () => {
    expect(() => new World({ memory: 'tso' }).makeBuffers(MAX_THREADS + 1)).toThrow(
      `${MAX_THREADS + 1} threads: under TSO a program has at most ${MAX_THREADS}`,
    );
    expect(() => new World().makeBuffers(MAX_THREADS + 1)).not.toThrow();
  });
});

describe('reach', () => {
  it('keeps the marks of one execution', () => {
    const world = new World();
    world.reach('a');
    world.reach('b');
    expect(world.reached).toEqual(['a', 'b']);
    world.reset();
    expect(world.reached).toEqual([]);
  });
});

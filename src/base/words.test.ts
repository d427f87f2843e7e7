import { describe, expect, it } from 'vitest';
import { explore } from '../../test/support/toy-scheduler.ts';
import { Cell } from './cell.ts';
import type { Flow } from './flow.ts';
import { Words } from './words.ts';
import { type AccessEvent, UseAfterFree, World } from './world.ts';

/** What `act` adds to the log, as `object[word] kind`; the word after an object's last one is its life. */
function logOf(world: World, act: () => void): string[] {
  const from = world.logged;
  act();
  return [...world.log.slice(from, world.logged)].map((code) => {
    const { object, word } = world.locations.find(code >> 1, world.stride)!;
    const name = word === object.words ? `${object.name}'s life` : `${object.name}[${word}]`;
    return `${name} ${code % 2 === 1 ? 'write' : 'read'}`;
  });
}

describe('Cell', () => {
  it('logs what each method did: a failed compare-exchange is a read', () => {
    const world = new World();
    const cell = new Cell(world, 'x', 1);
    const log = logOf(world, () => {
      cell.load();
      cell.compareExchange(7, 8);
      cell.compareExchange(1, 2);
      cell.store(3);
      cell.add(1);
      cell.exchange(9);
      cell.peek();
    });
    expect(log).toEqual(['read', 'read', 'write', 'write', 'write', 'write'].map((kind) => `x[0] ${kind}`));
  });

  it('returns what its methods say', () => {
    const cell = new Cell(new World(), 'x', 1);
    expect(cell.load()).toBe(1);
    expect([cell.compareExchange(7, 8), cell.peek()]).toEqual([false, 1]);
    expect([cell.compareExchange(1, 2), cell.peek()]).toEqual([true, 2]);
    cell.store(3);
    expect(cell.add(-1)).toBe(2);
    expect([cell.exchange(9), cell.load()]).toEqual([2, 9]);
  });

  it('compares as Object.is does, so that NaN is found and objects are told apart', () => {
    const nan = new Cell(new World(), 'x', Number.NaN);
    expect(nan.compareExchange(Number.NaN, 1)).toBe(true);
    const object = new Cell<object>(new World(), 'y', {});
    expect(object.compareExchange({}, {})).toBe(false);
  });

  it('marks a step that compared and exchanged, whether it succeeded or not', () => {
    const world = new World();
    const cell = new Cell(world, 'x', 0);
    for (const expected of [0, 0]) {
      world.exchanged = false;
      cell.compareExchange(expected, 1);
      expect(world.exchanged).toBe(true);
    }
    world.exchanged = false;
    cell.add(1);
    expect(world.exchanged).toBe(false);
  });

  it('counts plain accesses, which is how a forgotten yield is noticed; a peek is none', () => {
    const world = new World();
    const cell = new Cell(world, 'x', 0);
    cell.load();
    cell.store(1);
    cell.peek();
    expect(world.plainAccesses).toBe(2);
  });
});

describe('Words', () => {
  it('are each a location of their own, and no location is another object’s', () => {
    const world = new World();
    const [words, cell] = [new Words(world, 'array', [0, 0, 0]), new Cell(world, 'x', 0)];
    const log = logOf(world, () => {
      words.load(0);
      words.store(2, 5);
      cell.load();
    });
    expect(log).toEqual(['array[0] read', 'array[2] write', 'x[0] read']);
    expect(words.length).toBe(3);
    expect([0, 1, 2].map((word) => words.peek(word))).toEqual([0, 0, 5]);
  });

  it('do not write to the list that they were made from', () => {
    const list = [1, 2];
    new Words(new World(), 'array', list).store(0, 9);
    expect(list).toEqual([1, 2]);
  });

  it('tell a tracer each access with the values before and after', () => {
    const told: AccessEvent[] = [];
    const world = new World({ tracer: (event) => told.push(event) });
    const words = new Words(world, 'array', [1, 2]);
    words.load(1);
    words.store(1, 3);
    words.compareExchange(0, 7, 8);
    words.add(0, 4);
    expect(told.map(({ word, kind, before, after, note }) => ({ word, kind, before, after, note }))).toEqual([
      { word: 1, kind: 'read', before: 2, after: 2, note: undefined },
      { word: 1, kind: 'write', before: 2, after: 3, note: undefined },
      { word: 0, kind: 'read', before: 1, after: 1, note: 'failed compare-exchange' },
      { word: 0, kind: 'write', before: 1, after: 5, note: 'add' },
    ]);
  });

  it('log the same whether a tracer listens or not', () => {
    const log = (world: World) => {
      const words = new Words(world, 'array', [1, 2]);
      return logOf(world, () => {
        words.load(1);
        words.store(0, 3);
        words.compareExchange(0, 7, 8);
        words.compareExchange(0, 3, 8);
        words.add(1, 4);
        words.exchange(1, 0);
      });
    };
    expect(log(new World({ tracer: () => {} }))).toEqual(log(new World()));
  });
});

describe('an object that may be freed', () => {
  function freed(): Cell<number> {
    const cell = new Cell(new World(), 'x', 0, { freeable: true });
    cell.free();
    return cell;
  }

  it('is not to be touched afterwards', () => {
    expect(() => freed().load()).toThrow(UseAfterFree);
    expect(() => freed().load()).toThrow('x is read after it was freed');
    expect(() => freed().store(1)).toThrow('x is written after it was freed');
    expect(() => freed().compareExchange(0, 1)).toThrow(UseAfterFree);
    expect(() => freed().add(1)).toThrow(UseAfterFree);
    expect(() => freed().exchange(1)).toThrow(UseAfterFree);
  });

  it('is not to be freed twice', () => {
    expect(() => freed().free()).toThrow(UseAfterFree);
  });

  it('may still be looked at by properties', () => {
    expect(freed().peek()).toBe(0);
  });

  it('has a life that each access reads and that its end writes: they are in conflict', () => {
    const world = new World();
    const cell = new Cell(world, 'x', 0, { freeable: true });
    expect(logOf(world, () => cell.load())).toEqual(["x's life read", 'x[0] read']);
    expect(logOf(world, () => cell.store(1))).toEqual(["x's life read", 'x[0] write']);
    expect(logOf(world, () => cell.add(1))).toEqual(["x's life read", 'x[0] write']);
    expect(logOf(world, () => cell.free())).toEqual(["x's life write"]);
  });

  it('says so when it was not made to be freed', () => {
    expect(() => new Cell(new World(), 'x', 0).free()).toThrow(/make it with \{ freeable: true \}/);
  });

  it('is used after it is freed in some orders and in others not', () => {
    const verdicts = new Set<string>();
    explore((world) => {
      const cell = new Cell(world, 'x', 0, { freeable: true });
      function* uses(): Flow<void> {
        yield;
        try {
          cell.load();
          verdicts.add('fine');
        } catch (error) {
          verdicts.add((error as Error).name);
        }
      }
      function* frees(): Flow<void> {
        yield;
        cell.free();
      }
      return { threads: [uses(), frees()] };
    });
    expect([...verdicts].sort()).toEqual(['UseAfterFree', 'fine']);
  });
});

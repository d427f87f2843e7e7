/**
 * Mutual exclusion by loads and stores alone, two threads each. Loops are bounded as in the sources: a thread that gives up ends.
 * The critical section stores the thread's number and loads it again.
 */
import { Cell, type Flow, type World } from '../../../src/check/index.ts';
import type { Counted } from './counted.ts';

const zero = (world: World, name: string): Cell<number> => new Cell(world, name, 0);

function* critical(x: Cell<number>, id: number): Flow<void> {
  yield;
  x.store(id);
  yield;
  x.load();
}

/** Whether one of `loop` loads of the cell gives less than `bound`. */
function* settlesBelow(cell: Cell<number>, bound: number, loop: number): Flow<boolean> {
  for (let i = 0; i < loop; i++) {
    yield;
    if (cell.load() < bound) return true;
  }
  return false;
}

function* settlesAt(cell: Cell<number>, value: number, loop: number): Flow<boolean> {
  for (let i = 0; i < loop; i++) {
    yield;
    if (cell.load() === value) return true;
  }
  return false;
}

interface Dekker {
  readonly turn: Cell<number>;
  readonly x: Cell<number>;
  readonly loop: number;
}

function* dekker({ turn, x, loop }: Dekker, me: Cell<number>, other: Cell<number>, id: number): Flow<void> {
  const mine = id - 1;
  for (let round = 0; round < loop; round++) {
    yield;
    me.store(1);
    let entered = false;
    for (let i = 0; i < loop && !entered; i++) {
      yield;
      if (other.load() === 0) {
        entered = true;
        break;
      }
      yield;
      if (turn.load() === mine) continue;
      yield;
      me.store(0);
      if (!(yield* settlesAt(turn, mine, loop))) return;
      yield;
      me.store(1);
    }
    if (!entered) return;
    yield* critical(x, id);
    yield;
    turn.store(1 - mine);
    yield;
    me.store(0);
  }
}

interface Lamport {
  readonly x: Cell<number>;
  readonly y: Cell<number>;
  readonly shared: Cell<number>;
  readonly loop: number;
}

function* lamport(vars: Lamport, me: Cell<number>, other: Cell<number>, id: number): Flow<void> {
  for (let round = 0; round < vars.loop; round++) {
    let entered: boolean | 'again' = 'again';
    for (let i = 0; i < vars.loop && entered === 'again'; i++) entered = yield* lamportEnters(vars, me, other, id);
    if (entered !== true) return;
    yield* critical(vars.shared, id);
    yield;
    vars.y.store(0);
    yield;
    me.store(0);
  }
}

function* lamportEnters(
  { x, y, loop }: Lamport,
  me: Cell<number>,
  other: Cell<number>,
  id: number,
): Flow<boolean | 'again'> {
  yield;
  me.store(1);
  yield;
  x.store(id);
  yield;
  if (y.load() !== 0) {
    yield;
    me.store(0);
    return (yield* settlesAt(y, 0, loop)) ? 'again' : false;
  }
  yield;
  y.store(id);
  yield;
  if (x.load() === id) return true;
  yield;
  me.store(0);
  if (!(yield* settlesBelow(other, 1, loop))) return false;
  yield;
  if (y.load() === id) return true;
  return (yield* settlesAt(y, 0, loop)) ? 'again' : false;
}

function* szymanski(x: Cell<number>, me: Cell<number>, other: Cell<number>, id: number, loop: number): Flow<void> {
  for (let round = 0; round < loop; round++) {
    yield;
    me.store(1);
    if (!(yield* settlesBelow(other, 3, loop))) return;
    yield;
    me.store(3);
    yield;
    if (other.load() === 1) {
      yield;
      me.store(2);
      if (!(yield* settlesAt(other, 4, loop))) return;
    }
    yield;
    me.store(4);
    if (!(yield* settlesBelow(other, 2, loop))) return;
    yield* critical(x, id);
    if (!(yield* settlesOutside(other, loop))) return;
    yield;
    me.store(0);
  }
}

/** Below 2 or, by a second load, above 3. */
function* settlesOutside(cell: Cell<number>, loop: number): Flow<boolean> {
  for (let i = 0; i < loop; i++) {
    yield;
    if (cell.load() < 2) return true;
    yield;
    if (cell.load() > 3) return true;
  }
  return false;
}

interface Peterson {
  readonly turn: Cell<number>;
  readonly x: Cell<number>;
  readonly loop: number;
}

function* peterson({ turn, x, loop }: Peterson, me: Cell<number>, other: Cell<number>, id: number): Flow<void> {
  const gives = id === 1 ? 1 : 0;
  for (let round = 0; round < loop; round++) {
    yield;
    me.store(1);
    yield;
    turn.store(gives);
    let entered = false;
    for (let i = 0; i < loop && !entered; i++) {
      yield;
      const wants = other.load();
      yield;
      const whose = turn.load();
      entered = wants !== 1 || whose !== gives;
    }
    if (!entered) return;
    yield* critical(x, id);
    yield;
    me.store(0);
  }
}

interface Tickets {
  readonly tickets: readonly Cell<number>[];
  readonly choosing: readonly Cell<number>[];
  readonly resource: Cell<number>;
  readonly loop: number;
}

function* bakery({ tickets, choosing, resource, loop }: Tickets, me: number): Flow<void> {
  yield;
  choosing[me]!.store(1);
  let most = 0;
  for (const ticket of tickets) {
    yield;
    most = Math.max(most, ticket.load());
  }
  yield;
  tickets[me]!.store(most + 1);
  yield;
  choosing[me]!.store(0);
  for (let other = 0; other < 2; other++) {
    if (!(yield* settlesAt(choosing[other]!, 0, loop))) return;
    if (!(yield* comesAfter(tickets, me, other, loop))) return;
  }
  yield;
  resource.load();
  for (const value of [me, 0]) {
    yield;
    resource.store(value);
  }
  yield;
  tickets[me]!.store(0);
}

function* comesAfter(tickets: readonly Cell<number>[], me: number, other: number, loop: number): Flow<boolean> {
  for (let i = 0; i < loop; i++) {
    yield;
    const theirs = tickets[other]!.load();
    yield;
    const mine = tickets[me]!.load();
    if (theirs === 0 || !(theirs < mine || (theirs === mine && other < me))) return true;
  }
  return false;
}

function* burns(flags: readonly Cell<number>[], x: Cell<number>, me: number, loop: number): Flow<void> {
  let restarts = false;
  let entered = false;
  for (let i = 0; i < loop && !entered; i++) {
    yield;
    flags[me]!.store(0);
    for (let other = 0; other < me; other++) if (!(yield* settlesAt(flags[other]!, 0, loop))) return;
    yield;
    flags[me]!.store(1);
    for (let other = 0; other < me && !restarts; other++) {
      if (!(yield* settlesAt(flags[other]!, 0, loop))) restarts = true;
    }
    entered = !restarts;
  }
  if (!entered) return;
  for (let other = me + 1; other < 2; other++) if (!(yield* settlesAt(flags[other]!, 0, loop))) return;
  yield* critical(x, me);
  yield;
  flags[me]!.store(0);
}

interface Dijkstra {
  readonly interested: readonly Cell<number>[];
  readonly passed: readonly Cell<number>[];
  readonly k: Cell<number>;
  readonly x: Cell<number>;
  readonly loop: number;
}

function* dijkstra(vars: Dijkstra, me: number): Flow<void> {
  const { interested, passed, x, loop } = vars;
  yield;
  interested[me]!.store(1);
  let entered = false;
  for (let i = 0; i < loop && !entered; i++) {
    if (!(yield* getsTurn(vars, me))) return;
    yield;
    passed[me]!.store(1);
    entered = true;
    yield;
    if (passed[1 - me]!.load() === 1) {
      yield;
      passed[me]!.store(0);
      entered = false;
    }
  }
  if (!entered) return;
  yield* critical(x, me);
  yield;
  passed[me]!.store(0);
  yield;
  interested[me]!.store(0);
}

function* getsTurn({ interested, k, loop }: Dijkstra, me: number): Flow<boolean> {
  for (let i = 0; i < loop; i++) {
    yield;
    const whose = k.load();
    if (whose === me) return true;
    yield;
    if (interested[whose]!.load() === 0) {
      yield;
      k.store(me);
    }
  }
  return false;
}

export const MUTUAL_EXCLUSION: readonly Counted[] = [
  {
    name: 'dekker',
    origin: 'SV-COMP/dekker.c',
    size: 'turns of each loop',
    counts: [[2, 1599]],
    program: (world, loop) => {
      const vars = { turn: zero(world, 'turn'), x: zero(world, 'x'), loop };
      const [flag1, flag2] = [zero(world, 'flag1'), zero(world, 'flag2')];
      return { threads: [dekker(vars, flag1, flag2, 1), dekker(vars, flag2, flag1, 2)] };
    },
  },
  {
    name: 'lamport',
    origin: 'SV-COMP/lamport.c',
    size: 'turns of each loop',
    counts: [[2, 25828]],
    program: (world, loop) => {
      const vars = { x: zero(world, 'x'), y: zero(world, 'y'), shared: zero(world, 'var'), loop };
      const [b1, b2] = [zero(world, 'b1'), zero(world, 'b2')];
      return { threads: [lamport(vars, b1, b2, 1), lamport(vars, b2, b1, 2)] };
    },
  },
  {
    name: 'szymanski',
    origin: 'SV-COMP/szymanski.c',
    size: 'turns of each loop',
    counts: [[2, 22945]],
    program: (world, loop) => {
      const [x, flag1, flag2] = [zero(world, 'x'), zero(world, 'flag1'), zero(world, 'flag2')];
      return { threads: [szymanski(x, flag1, flag2, 1, loop), szymanski(x, flag2, flag1, 2, loop)] };
    },
  },
  {
    name: 'peterson',
    origin: 'from_TRACER/peterson.c',
    size: 'turns of each loop',
    counts: [[2, 2420]],
    program: (world, loop) => {
      const vars = { turn: zero(world, 'turn'), x: zero(world, 'x'), loop };
      const [flag1, flag2] = [zero(world, 'flag1'), zero(world, 'flag2')];
      return { threads: [peterson(vars, flag1, flag2, 1), peterson(vars, flag2, flag1, 2)] };
    },
  },
  {
    name: 'bakery',
    origin: 'from_TRACER/bakery.c',
    size: 'turns of each loop',
    counts: [
      [2, 47],
      [4, 133],
      [5, 194],
      [10, 679],
      [20, 2549],
    ],
    program: (world, loop) => {
      const pair = (name: string) => [0, 1].map((i) => zero(world, `${name}[${i}]`));
      const vars = { tickets: pair('tickets'), choosing: pair('choosing'), resource: zero(world, 'resource'), loop };
      return { threads: [bakery(vars, 0), bakery(vars, 1)] };
    },
  },
  {
    name: 'burns',
    origin: 'from_TRACER/burns.c',
    size: 'turns of each loop',
    counts: [
      [2, 39],
      [4, 85],
      [10, 319],
      [20, 1029],
    ],
    program: (world, loop) => {
      const flags = [0, 1].map((i) => zero(world, `flags[${i}]`));
      const x = zero(world, 'x');
      return { threads: [burns(flags, x, 0, loop), burns(flags, x, 1, loop)] };
    },
  },
  {
    name: 'dijkstra',
    origin: 'from_TRACER/dijkstra.c',
    size: 'turns of each loop',
    counts: [
      [2, 27],
      [4, 85],
      [5, 135],
      [10, 715],
    ],
    program: (world, loop) => {
      const pair = (name: string) => [0, 1].map((i) => zero(world, `${name}[${i}]`));
      const vars = {
        interested: pair('interested'),
        passed: pair('passed'),
        k: zero(world, 'k'),
        x: zero(world, 'x'),
        loop,
      };
      return { threads: [dijkstra(vars, 0), dijkstra(vars, 1)] };
    },
  },
];

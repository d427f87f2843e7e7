/** Calls to other CPUs and what keeps interrupts away, in every order. */
import { describe, expect, it } from 'vitest';
import { Cell, type Flow, type World } from '../../src/base/index.ts';
import { atEnd, check, type Program } from '../../src/check/index.ts';
import type { Rq, Task } from '../../src/kernel/index.ts';
import { build, Machine } from '../../src/lab/litmus/machine.ts';
import { Bench } from './bench.ts';

const KERNEL = build();

function verdict(memory: 'sc' | 'tso', program: (world: World) => Program): readonly [string, string] {
  const { message, verdict: is } = check({ name: 'calls', expect: 'holds', memory, program }, { minimise: 0 });
  return [is, message];
}

/** A task on CPU 0 that calls all CPUs, and one on CPU 1 that does something. */
function calling(
  world: World,
  caller: (machine: Machine, tsk: Task) => Flow<void>,
  other: (machine: Machine, tsk: Task) => Flow<void>,
): Machine {
  const machine = new Machine(world, KERNEL, { devices: [] });
  const process = machine.process('mm');
  machine.task('caller', 0, process, (tsk) => caller(machine, tsk));
  machine.task('other', 1, process, (tsk) => other(machine, tsk));
  return machine;
}

function* nothing(): Flow<void> {}

describe('on_each_cpu_mask', () => {
  for (const memory of ['sc', 'tso'] as const) {
    it(`returns when all CPUs have run the function, which sees what was stored before the call (${memory})`, () => {
      const result = verdict(memory, (world) => {
        const told = new Cell(world, 'told', 0);
        const seen = [0, 1].map((cpu) => new Cell(world, `seen by cpu${cpu}`, -1, { unbuffered: true }));
        function* look(rq: Rq): Flow<void> {
          yield;
          const value = told.load();
          yield;
          seen[rq.id]!.store(value);
        }
        const machine = calling(
          world,
          function* ({ kernel }) {
            yield;
            told.store(1);
            yield* kernel.on_each_cpu_mask(kernel.rqs, 'call', look);
            for (const cell of seen) {
              yield;
              if (cell.load() !== 1) throw new Error(`${cell.object.name}: ${cell.peek()}`);
            }
          },
          nothing,
        );
        return { threads: machine.threads() };
      });
      expect(result).toEqual(['holds', 'in every execution']);
    });
  }

  it('runs the function of its own CPU with interrupts off, and leaves them on', () => {
    const bench = new Bench();
    const tsk = bench.process('A');
    const { kernel } = bench;
    const seen: boolean[] = [];
    function* look(rq: Rq): Flow<void> {
      seen.push(rq.cpu.IF.peek());
    }
    bench.run(tsk, kernel.on_each_cpu_mask([tsk.rq], 'call', look));
    expect([seen, tsk.rq.cpu.IF.peek(), tsk.rq.preempt_count.peek()]).toEqual([[false], true, 0]);
  });
});

describe('a call', () => {
  /** Whether it can come between two steps of a section of the other CPU. */
  function comesBetween(world: World, enter: (machine: Machine, tsk: Task) => Flow<void>): Program {
    const word = new Cell(world, 'word', 0, { unbuffered: true });
    function* change(rq: Rq): Flow<void> {
      if (rq.id !== 1) return;
      yield;
      word.add(1);
    }
    const machine = calling(
      world,
      ({ kernel }) => kernel.on_each_cpu_mask([kernel.rqs[1]!], 'call', change),
      function* (own, tsk) {
        yield* enter(own, tsk);
        yield;
        const before = word.load();
        yield;
        if (word.load() !== before) world.reach('between');
        if (!tsk.rq.cpu.IF.peek()) yield* own.kernel.local_irq_enable(tsk.rq);
      },
    );
    return { threads: machine.threads(), always: { ran: atEnd(() => word.peek() === 1) }, never: ['between'] };
  }

  it('does not come where interrupts are off', () => {
    const result = verdict('sc', (world) => comesBetween(world, ({ kernel }, tsk) => kernel.local_irq_disable(tsk.rq)));
    expect(result).toEqual(['holds', 'in every execution']);
  });

  it('comes where only bottom halves are off (fpregs_lock)', () => {
    const result = verdict('sc', (world) => comesBetween(world, ({ kernel }, tsk) => kernel.fpregs_lock(tsk.rq)));
    expect(result[0]).toBe('violated');
  });
});

it('mm_cpumask has the CPUs that may have the mm loaded', () => {
  const bench = new Bench({ cpus: 3 });
  const tsk = bench.process('A', 1);
  bench.fork(tsk, 'thread', 2, true);
  const mask = bench.run(tsk, bench.kernel.mm_cpumask(tsk.mm.peek()!));
  expect(mask.map(({ id }) => id)).toEqual([1, 2]);
});

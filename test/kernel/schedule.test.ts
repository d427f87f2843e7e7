/** Two tasks that share a CPU, in every order: one runs at a time, with its own registers; who waits gives the CPU away. */
import { describe, expect, it } from 'vitest';
import { Cell, type Flow, SpinLock, until, type World } from '../../src/base/index.ts';
import { atEnd, check, type Program } from '../../src/check/index.ts';
import { validMsr } from '../../src/hw/index.ts';
import type { Task } from '../../src/kernel/index.ts';
import { build, Machine } from '../../src/lab/litmus/machine.ts';

const KERNEL = build();
const OWN: Readonly<Record<string, number>> = { A: validMsr(1), B: validMsr(2) };

function verdict(program: (world: World) => Program): readonly [string, string] {
  const { message, verdict: is } = check(
    { name: 'two tasks', expect: 'holds', program },
    { minimise: 0, maxExecutions: 20_000 },
  );
  return [is, message];
}

const HOLDS = ['holds', 'in every execution'];

/** A and B on CPU 0, each given it by so many preemptions. */
function shared(
  world: World,
  times: number,
  bodies: Readonly<Record<'A' | 'B', (machine: Machine, tsk: Task) => Flow<void>>>,
): Machine {
  const machine = new Machine(world, KERNEL, { cpus: 1, devices: [] });
  const a = machine.task('A', 0, machine.process('mm A'), (tsk) => bodies.A(machine, tsk));
  const b = machine.waiting('B', 0, machine.process('mm B'), (tsk) => bodies.B(machine, tsk));
  machine.switching(0, times, a, b);
  return machine;
}

/** User code: a value goes into the register, and is there at the next look. */
function* keepsRegister(_machine: Machine, tsk: Task): Flow<void> {
  yield;
  tsk.rq.cpu.wrmsrPasid(OWN[tsk.name]!);
  yield;
  const seen = tsk.rq.cpu.rdmsrPasid();
  if (seen !== OWN[tsk.name]) throw new Error(`${tsk.name} sees ${seen}`);
}

/** One step of user code. */
function* runs(_machine: Machine, tsk: Task): Flow<void> {
  yield;
  tsk.pasid_activated.store(1);
}

describe('two tasks on a CPU', () => {
  it('have their own registers in user mode, wherever they are preempted', () => {
    const result = verdict((world) => ({
      threads: shared(world, 1, { A: keepsRegister, B: keepsRegister }).threads(),
    }));
    expect(result).toEqual(HOLDS);
  });

  it('run one at a time', () => {
    const result = verdict((world) => {
      const machine = shared(world, 1, { A: runs, B: runs });
      const running = () => machine.kernel.tasks.filter((tsk) => tsk.on_cpu.peek()).length;
      return { threads: machine.threads(), always: { 'at most one of them': () => running() <= 1 } };
    });
    expect(result).toEqual(HOLDS);
  });

  it('both come to their ends without any preemption, although one waits for the other', () => {
    const result = verdict((world) => {
      const told = new Cell<boolean>(world, 'told', false);
      const machine = shared(world, 0, {
        *A({ kernel }, tsk) {
          yield until(world, 'to be told', () => told.peek());
          yield* kernel.do_exit(tsk);
        },
        *B({ kernel }, tsk) {
          yield;
          told.store(true);
          yield* kernel.do_exit(tsk);
        },
      });
      const { tasks } = machine.kernel;
      return {
        threads: machine.threads(),
        always: { 'both end': atEnd(() => tasks.every((tsk) => !tsk.runnable.peek())) },
      };
    });
    expect(result).toEqual(HOLDS);
  });

  it('do not come between each other while one has preemption off', () => {
    const result = verdict((world) => {
      let inside = '';
      function* section({ kernel }: Machine, tsk: Task): Flow<void> {
        yield* kernel.preempt_disable(tsk.rq);
        yield;
        if (inside !== '') throw new Error(`${tsk.name} runs while ${inside} has preemption off`);
        inside = tsk.name;
        tsk.pasid_activated.store(1);
        yield;
        inside = '';
        tsk.pasid_activated.store(0);
        yield* kernel.preempt_enable(tsk.rq);
      }
      return { threads: shared(world, 1, { A: section, B: section }).threads() };
    });
    expect(result).toEqual(HOLDS);
  });

  it('do not come between each other while one holds a spinlock', () => {
    const result = verdict((world) => {
      const lock = new SpinLock(world, 'lock');
      let held = false;
      const machine = shared(world, 1, {
        *A() {
          yield lock.acquire();
          held = true;
          yield lock.release();
          held = false;
        },
        *B(_machine, tsk) {
          yield;
          if (held) throw new Error(`${tsk.name} runs while A holds a spinlock`);
          tsk.pasid_activated.store(1);
        },
      });
      return { threads: machine.threads() };
    });
    expect(result).toEqual(HOLDS);
  });
});

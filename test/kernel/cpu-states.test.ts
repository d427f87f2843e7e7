/**
 * The table of CPU states runs the switch code: with all of its registers on a CPU, each follows what the table says it belongs to, from where
 * the table says on.
 */
import { describe, expect, it } from 'vitest';
import { runAlone, World } from '../../src/base/index.ts';
import { CPU_STATES, stateNamed } from '../../src/hw/index.ts';
import { BASE, createKernel, type Kernel, Mm, PasidAllocator, Task } from '../../src/kernel/index.ts';

const EAGER = CPU_STATES.filter(({ loadedAt }) => loadedAt === 'switch_to' || loadedAt === 'switch_mm');

class Switcher {
  readonly kernel: Kernel;
  private readonly world = new World();

  constructor() {
    const { world } = this;
    this.kernel = createKernel(world, BASE, {
      cpus: 1,
      devices: [],
      pasids: new PasidAllocator(world),
      states: CPU_STATES,
    });
  }

  private get rq() {
    return this.kernel.rqs[0]!;
  }

  task(name: string, mm: Mm | null): Task {
    const tsk = new Task(this.world, name, this.rq, { mm, files: null, kthread: mm === null });
    this.kernel.tasks.push(tsk);
    return tsk;
  }

  mm(name: string, value: number): Mm {
    const mm = new Mm(this.world, name, 1);
    for (const [at, { per }] of CPU_STATES.entries()) if (per === 'mm') mm.registers[at] = value;
    return mm;
  }

  /** The first one: user code that has written each register of its thread. */
  boot(tsk: Task, value: number): void {
    this.rq.curr.store(tsk);
    runAlone(this.kernel.ret_from_fork(tsk));
    this.writes(value);
  }

  writes(value: number): void {
    for (const [at, { per }] of CPU_STATES.entries()) if (per === 'thread') this.rq.cpu.registers.store(at, value);
  }

  switchTo(next: Task): void {
    this.rq.cpu.IF.store(false);
    runAlone(this.kernel.context_switch(this.rq, this.rq.curr.peek()!, next));
  }

  toUser(tsk: Task): void {
    runAlone(this.kernel.exit_to_user_mode(tsk));
  }

  register(name: string): number {
    return this.rq.cpu.registers.peek(CPU_STATES.indexOf(stateNamed(name)));
  }
}

describe('registers of a CPU that has them all', () => {
  for (const { loadedAt, name, per } of EAGER) {
    it(`${name}: of the ${per}, loaded by ${loadedAt}, before the return to user mode`, () => {
      const machine = new Switcher();
      const [a, b] = [machine.mm('A', 10), machine.mm('B', 20)];
      const [first, second, sibling] = [
        machine.task('first', a),
        machine.task('second', b),
        machine.task('sibling', a),
      ];
      machine.boot(first, 1);
      machine.switchTo(second);
      expect(machine.register(name)).toBe(per === 'mm' ? 20 : 0);
      machine.toUser(second);
      machine.writes(2);
      machine.switchTo(sibling);
      expect(machine.register(name)).toBe(per === 'mm' ? 10 : 0);
      machine.switchTo(first);
      expect(machine.register(name)).toBe(per === 'mm' ? 10 : 1);
    });
  }

  it('those of the mm stay for a kernel thread that borrows it', () => {
    const machine = new Switcher();
    machine.boot(machine.task('A', machine.mm('A', 10)), 1);
    machine.switchTo(machine.task('kthread', null));
    expect([machine.register('CR3'), machine.register('LDTR')]).toEqual([10, 10]);
  });

  it('XSAVE components that are not eager wait for the return to user mode', () => {
    const machine = new Switcher();
    const [first, second] = [machine.task('A', machine.mm('A', 10)), machine.task('B', machine.mm('B', 20))];
    machine.boot(first, 1);
    machine.switchTo(second);
    const lazy = ['FPU, XMM', 'PASID', 'TILE'];
    machine.toUser(second);
    expect(lazy.map((name) => machine.register(name))).toEqual([0, 0, 0]);
    machine.writes(2);
    machine.switchTo(first);
    expect(lazy.map((name) => machine.register(name)).includes(1)).toBe(false);
    machine.toUser(first);
    expect([machine.register('FPU, XMM'), machine.register('TILE')]).toEqual([1, 1]);
  });
});

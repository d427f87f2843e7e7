/**
 * XSAVES and XRSTORS (Intel SDM vol. 1, 13.11 and 13.12), for the modelled registers that are XSAVE components. A component in its
 * initial state (0) is not written: its bit in XSTATE_BV is cleared. One instruction is one step.
 */
import { assert } from '../../base/assert.ts';
import { ATOMIC, type Flow } from '../../base/flow.ts';
import { UNBUFFERED, Words } from '../../base/words.ts';
import type { World } from '../../base/world.ts';
import type { Cpu } from './cpu.ts';
import type { CpuState } from './states.ts';

/** A thread's XSAVE area in memory. Word 0 is XSTATE_BV, one bit a modelled component; then the components. */
export class XsaveArea {
  readonly words: Words<number>;
  readonly components: readonly CpuState[];

  constructor(world: World, name: string, states: readonly CpuState[]) {
    // What is loaded eagerly is left out of the mask of XSAVES and XRSTORS: PKRU.
    this.components = states.filter(({ components, loadedAt }) => components.length > 0 && loadedAt !== 'switch_to');
    this.words = new Words(world, name, [0, ...this.components.map(() => 0)], UNBUFFERED);
  }

  /** A component's value; 0 when its bit is clear. Up to two accesses: in a step of their own kind. */
  read(state: CpuState): number {
    const at = this.indexOf(state);
    return (this.words.load(0) & (1 << at)) === 0 ? 0 : this.words.load(at + 1);
  }

  /** Writes a component and its bit; value 0 clears the bit. Up to three accesses. */
  write(state: CpuState, value: number): void {
    const at = this.indexOf(state);
    const present = this.words.load(0);
    if (value !== 0) this.words.store(at + 1, value);
    this.words.store(0, value === 0 ? present & ~(1 << at) : present | (1 << at));
  }

  /** What it holds of a component, for properties: not an access. */
  peek(state: CpuState): number {
    const at = this.indexOf(state);
    return (this.words.peek(0) & (1 << at)) === 0 ? 0 : this.words.peek(at + 1);
  }

  private indexOf(state: CpuState): number {
    const at = this.components.indexOf(state);
    assert(at !== -1, `the area is made without the component ${state.name}`);
    return at;
  }
}

/** Registers to memory. */
export function* XSAVES(cpu: Cpu, area: XsaveArea): Flow<void> {
  yield ATOMIC;
  let present = 0;
  for (let at = 0; at < area.components.length; at++) {
    const value = cpu.registers.load(cpu.indexOf(area.components[at]!));
    if (value === 0) continue;
    present |= 1 << at;
    area.words.store(at + 1, value);
  }
  area.words.store(0, present);
}

/** Memory to registers. A component whose bit is clear gets its initial value. */
export function* XRSTORS(cpu: Cpu, area: XsaveArea): Flow<void> {
  yield ATOMIC;
  const present = area.words.load(0);
  for (let at = 0; at < area.components.length; at++) {
    const value = (present & (1 << at)) === 0 ? 0 : area.words.load(at + 1);
    cpu.registers.store(cpu.indexOf(area.components[at]!), value);
  }
}

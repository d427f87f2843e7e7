/**
 * A logical CPU, as far as shared virtual addressing needs it: its registers, CPL, the interrupt flag, and interrupts from
 * other CPUs. Registers are those of states.ts that a model asks for, a number each; 0 is a component's initial value.
 *
 * Left out: instructions other than ENQCMD, XSAVES, XRSTORS (xsave.ts, enqcmd.ts); the MMU has a file of its own (mmu.ts).
 * Registers are unbuffered: no other CPU sees them.
 */
import { assert } from '../../base/assert.ts';
import { Cell } from '../../base/cell.ts';
import { type Flow, runAlone, untilAtomic } from '../../base/flow.ts';
import { Queue } from '../../base/queue.ts';
import { UNBUFFERED, Words } from '../../base/words.ts';
import type { World } from '../../base/world.ts';
import { type CpuState, stateNamed } from './states.ts';

/** IA32_PASID, MSR 0xd93: Valid (Intel SDM vol. 4). */
export const MSR_IA32_PASID_VALID = 0x8000_0000;
/** IA32_PASID: bits 19:0. */
const PASID_MASK = 0xf_ffff;

/** PASID in a value of IA32_PASID. */
export function pasidOfMsr(value: number): number {
  return value & PASID_MASK;
}

/** Value of IA32_PASID for a PASID. */
export function validMsr(pasid: number): number {
  return MSR_IA32_PASID_VALID + pasid;
}

/** A request of another CPU to run something here, with interrupts off. `pending` is 1 until it has run. */
export interface InterruptRequest {
  readonly name: string;
  readonly handler: () => Flow<void>;
  readonly pending: Cell<number>;
  /** What lanes call it. */
  readonly toJSON?: () => string;
}

export class Cpu {
  readonly id: number;
  readonly name: string;
  readonly world: World;
  /** By `indexOf`. */
  readonly registers: Words<number>;
  readonly states: readonly CpuState[];
  /** RFLAGS.IF: interrupts are taken. */
  readonly IF: Cell<boolean>;
  /** Current privilege level: 3 in user mode, 0 in the kernel. */
  readonly CPL: Cell<number>;
  readonly interrupts: Queue<InterruptRequest>;
  /** What an interrupt does before it goes back to where it came from: the kernel's return to user mode. */
  onReturn: () => Flow<void> = nothing;

  /** `states`: which registers are modelled. */
  constructor(world: World, id: number, states: readonly CpuState[] = DEFAULT_STATES) {
    this.world = world;
    this.id = id;
    this.name = `cpu${id}`;
    this.states = states;
    const zeroes = states.map(() => 0);
    const name = states.length === 1 ? `${this.name}.${states[0]!.register}` : `${this.name}.registers`;
    this.registers = new Words(world, name, zeroes, UNBUFFERED);
    this.IF = new Cell(world, `${this.name}.IF`, true, UNBUFFERED);
    this.CPL = new Cell(world, `${this.name}.CPL`, 3, UNBUFFERED);
    this.interrupts = new Queue(world, `${this.name} interrupts`);
  }

  /** Index of a state's register; -1: not modelled. */
  indexOf(state: CpuState): number {
    return this.states.indexOf(state);
  }

  /** IA32_PASID. One access. */
  rdmsrPasid(): number {
    return this.registers.load(this.pasidIndex());
  }

  /** WRMSR IA32_PASID. One access. */
  wrmsrPasid(value: number): void {
    this.registers.store(this.pasidIndex(), value);
  }

  private pasidIndex(): number {
    const index = this.states.indexOf(PASID_STATE);
    assert(index !== -1, `${this.name} has no IA32_PASID: it is made without the state 'PASID'`);
    return index;
  }
}

const PASID_STATE = stateNamed('PASID');
const DEFAULT_STATES: readonly CpuState[] = [PASID_STATE];

function* nothing(): Flow<void> {}

/**
 * Takes the CPU's interrupts, for ever: a daemon beside the tasks that run there. A handler runs in one step, since nothing else can
 * run on this CPU meanwhile; it may look at one word that other CPUs write, so that nothing is lost by that.
 */
export function* interruptThread(cpu: Cpu): Flow<void> {
  for (;;) {
    yield untilAtomic(
      cpu.world,
      `${cpu.name} takes an interrupt`,
      () => cpu.interrupts.peekLength() > 0 && cpu.IF.peek(),
    );
    const request = cpu.interrupts.take();
    runAlone(request.handler(), cpu.world.thread);
    request.pending.store(0);
    if (cpu.CPL.load() === 3) runAlone(cpu.onReturn(), cpu.world.thread);
  }
}

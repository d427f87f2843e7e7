/**
 * ENQCMD (Intel ISE reference, chapter 2): a 64-byte store to a device that carries the PASID of IA32_PASID. Valid clear raises
 * #GP(0), whose error code does not say why. It checks nothing else: not whether the PASID is that of the address space.
 */
import { ATOMIC, type Flow } from '../../base/flow.ts';
import type { Portal, Work } from '../device/dsa.ts';
import { type Cpu, MSR_IA32_PASID_VALID, pasidOfMsr } from './cpu.ts';

/** What became of it. `#PF`: the portal is not mapped. `retry`: the device's queue is full (ZF). */
export type Enqueued = 'accepted' | 'retry' | '#GP' | '#PF';

/**
 * One step. An exception enters the kernel, in the same step: interrupts off, CPL 0. `seen` tells the observer the value of IA32_PASID
 * that it took, in the step too.
 */
export function* ENQCMD<Owner>(
  cpu: Cpu,
  portal: Portal<Owner>,
  work: Omit<Work<Owner>, 'pasid'>,
  seen: (msr: number) => void,
): Flow<Enqueued> {
  yield ATOMIC;
  if (!portal.mapped.load()) return exception(cpu, '#PF');
  const msr = cpu.rdmsrPasid();
  seen(msr);
  if (msr < MSR_IA32_PASID_VALID) return exception(cpu, '#GP');
  return portal.device.accept({ ...work, pasid: pasidOfMsr(msr) }) ? 'accepted' : 'retry';
}

function exception<E extends Enqueued>(cpu: Cpu, which: E): E {
  cpu.IF.store(false);
  cpu.CPL.store(0);
  return which;
}

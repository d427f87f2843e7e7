/** Set-up and tear-down of PASID entries, page requests and their drain, one after the other. */
import { describe, expect, it } from 'vitest';
import { type Flow, runAlone, World } from '../../src/base/index.ts';
import { descriptorThread } from '../../src/hw/index.ts';
import { infoOf, type Patch, VTD_A, VTD_B, VTD_C } from '../../src/kernel/index.ts';
import { build } from '../../src/lab/litmus/machine.ts';
import { PASID, VtdMachine, type VtdMachineOptions } from '../../src/lab/litmus/vtd-machine.ts';
import { Beside } from './beside.ts';

const FPD = 2;
const VERSIONS = { A: VTD_A, B: VTD_B, C: VTD_C };

class Bench {
  readonly machine: VtdMachine;
  readonly iommu;
  readonly a;
  private readonly world = new World();
  private readonly beside: Beside;

  constructor(version: Patch, options: VtdMachineOptions = {}) {
    this.machine = new VtdMachine(this.world, build(version), options);
    this.iommu = infoOf(this.machine.dev).iommu;
    this.a = this.machine.mm('mm A');
    const { kernel, unit } = this.machine;
    const ofKernel = [kernel.prq_interrupts(this.iommu), kernel.iopf_worker(this.iommu)];
    this.beside = new Beside(this.world, descriptorThread(this.world, unit), ...ofKernel);
  }

  run<R>(flow: Flow<R>): R {
    return this.beside.run(flow);
  }

  /** Low halves of the entry's first three words. */
  entry(): number[] {
    const { memory, tables } = this.machine;
    return [0, 1, 2].map((word) => memory.peekLo(tables.table, 8 * PASID + word));
  }

  /** Types of the descriptors that were submitted from this one on. */
  types(from: number): number[] {
    const { qi } = this.iommu;
    const slots = Array.from({ length: qi.free_head - from }, (_, slot) => from + slot);
    return slots.map((slot) => this.machine.memory.peekLo(qi.frame, 4 * slot) & 15);
  }
}

describe('a PASID entry', () => {
  for (const [name, version] of Object.entries(VERSIONS)) {
    it(`is set up and torn down by version ${name}`, () => {
      const bench = new Bench(version);
      const { a, machine } = bench;
      const handle = machine.bound(a);
      expect(bench.entry()).toEqual([0x41, 1, a.pgd << 12]);
      expect(bench.run(machine.access(PASID, a))).toBe(a);
      bench.run(machine.kernel.iommu_sva_unbind_device(handle));
      expect(bench.entry()).toEqual([0, 0, 0]);
      expect(bench.run(machine.access(PASID, a))).toBeNull();
    });

    it(`of .release is FPD alone, which version C forgets: ${name}`, () => {
      const bench = new Bench(version);
      bench.machine.bound(bench.a);
      bench.run(bench.machine.kernel.mmput(bench.a));
      expect(bench.entry()).toEqual([name === 'C' ? 0 : FPD, 0, 0]);
    });
  }

  it('is flushed from PASID cache, IOTLB and device TLB, each waited for; then comes the drain', () => {
    const bench = new Bench(VTD_C, { deviceTlb: true });
    const handle = bench.machine.bound(bench.a);
    bench.run(bench.machine.kernel.iommu_sva_unbind_device(handle));
    expect(bench.types(0)).toEqual([7, 5, 6, 5, 8, 5, 5, 6, 8, 5]);
  });

  it('that .release has left is drained by B, and not by A', () => {
    for (const [version, drain] of [
      [VTD_A, []],
      [VTD_B, [5, 6, 8, 5]],
    ] as const) {
      const bench = new Bench(version);
      const handle = bench.machine.bound(bench.a);
      bench.run(bench.machine.kernel.mmput(bench.a));
      const from = bench.iommu.qi.free_head;
      bench.run(bench.machine.kernel.iommu_sva_unbind_device(handle));
      expect(bench.types(from)).toEqual(drain);
    }
  });

  it('is set up once: another time is -EBUSY', () => {
    const { a, machine } = new Bench(VTD_C);
    machine.bound(a);
    expect(() => runAlone(machine.kernel.intel_pasid_setup_first_level(machine.dev, PASID, a))).toThrow('-EBUSY');
  });

  it('lies in a table that is installed when it is first needed, and both reach memory', () => {
    const bench = new Bench(VTD_C, { nonCoherent: true });
    const { a, machine } = bench;
    machine.bound(a);
    expect(machine.memory.peekLo(machine.tables.directory, 0)).toBe((machine.tables.table << 12) | 1);
    expect(bench.entry()).toEqual([0x41, 1, a.pgd << 12]);
  });
});

describe('page requests', () => {
  it('are handled and answered', () => {
    const bench = new Bench(VTD_B);
    bench.machine.bound(bench.a);
    bench.run(bench.machine.pageRequest(PASID, bench.a));
    expect(bench.types(0)).toEqual([9, 5]);
    expect(bench.a.mm_users.peek()).toBe(1);
  });

  it('of nobody are answered too: invalid', () => {
    const bench = new Bench(VTD_B);
    bench.run(bench.machine.pageRequest(PASID, bench.a));
    expect(bench.machine.memory.peekLo(bench.iommu.qi.frame, 0) >>> 12).toBe(1 | (0x10 << 4));
  });

  it('are answered when a drain has ended', () => {
    const bench = new Bench(VTD_B);
    const { a, machine } = bench;
    const handle = machine.bound(a);
    runAlone(machine.pri.request(PASID, 0, a));
    expect(machine.pri.groups.peek(0)).not.toBeNull();
    bench.run(machine.kernel.iommu_sva_unbind_device(handle));
    expect(machine.pri.groups.peek(0)).toBeNull();
  });

  it('of a group wait in the partial list for the last', () => {
    const bench = new Bench(VTD_B);
    const { a, machine } = bench;
    machine.bound(a);
    const one = { rid: 0x10, pasid: PASID, page: 7, prg_index: 0, lpig: false, rd_req: true, wr_req: false, owner: a };
    bench.iommu.prq.post(one);
    bench.run(machine.kernel.prq_event_thread(bench.iommu));
    expect(infoOf(machine.dev).partial.peek()).toEqual([one]);
    bench.run(machine.pageRequest(PASID, a));
    expect(infoOf(machine.dev).partial.peek()).toEqual([]);
    expect(bench.types(0)).toEqual([9, 5]);
  });

  it('that find no room set PRO, and the unit answers; the thread clears it when the ring is empty', () => {
    const bench = new Bench(VTD_B);
    const { a, machine } = bench;
    const { prq } = bench.iommu;
    for (let n = 0; n < 4; n++) runAlone(machine.pri.stopMarker(PASID + 1, a));
    expect(prq.PRO.peek()).toBe(1);
    runAlone(machine.pri.request(PASID, 0, a));
    expect(machine.pri.groups.peek(0)).toBeNull();
    bench.run(machine.kernel.prq_event_thread(bench.iommu));
    expect(prq.PRO.peek()).toBe(0);
    expect(prq.PQH.peek()).toBe(prq.PQT.peek());
  });

  it('are not drained where nobody handles faults', () => {
    const bench = new Bench(VTD_B);
    bench.run(bench.machine.kernel.intel_drain_pasid_prq(bench.machine.dev, PASID));
    expect(bench.types(0)).toEqual([]);
  });
});

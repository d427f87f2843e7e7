/** Mirrors one step after the other, against oracles: what a page holds, wherever it is; whether an interval is being invalidated; and the device's TLB. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Cell, type Flow, runAlone, World } from '../../src/base/index.ts';
import { ExternalMirror } from '../../src/hw/index.ts';
import { type IntervalNotifier, IntervalSubscriptions, swapEntry } from '../../src/kernel/index.ts';
import { build } from '../../src/lab/litmus/machine.ts';
import { CPU_WORD, GPU_WORD, MirrorMachine } from '../../src/lab/litmus/mirror-machine.ts';

const PAGES = [0, 1, 2];

type Op = readonly ['gpu' | 'cpu' | 'zap' | 'move', number, boolean];

const op: fc.Arbitrary<Op> = fc.tuple(
  fc.constantFrom('gpu', 'cpu', 'zap', 'move'),
  fc.constantFrom(...PAGES),
  fc.boolean(),
);

describe('a mirrored mm', () => {
  it('holds what was written to a page, wherever it has gone, until it is zapped; and no page is left over', () => {
    const moved = { there: 0, back: 0 };
    fc.assert(
      fc.property(fc.array(op, { minLength: 10, maxLength: 40, size: 'max' }), fc.boolean(), (ops, tlb) => {
        const machine = new MirrorMachine(new World(), build(), { vmas: [{ start: 0, end: 3 }], tlb });
        const { kernel, memory, mirror, mm, tables } = machine;
        const fixed = memory.framesInUse - PAGES.length;
        const words = new Map(PAGES.map((page) => [page, [0, 0]]));
        const present = new Set(PAGES);
        for (const [what, page, write] of ops) {
          const known = words.get(page)!;
          if (what === 'gpu' || what === 'cpu') {
            const word = what === 'gpu' ? GPU_WORD : CPU_WORD;
            const wasAway = swapEntry(tables, page) !== null;
            const read = runAlone(what === 'gpu' ? machine.access(write, page) : machine.cpu(write, page));
            if (write) known[word] = 1;
            else expect(read).toBe(known[word]);
            present.add(page);
            if (what === 'cpu' && wasAway) moved.back++;
          } else if (what === 'zap') {
            runAlone(kernel.zap_page_range_single(mm, page, page + 1));
            words.set(page, [0, 0]);
            present.delete(page);
          } else {
            const isHere = tables.pte(page) !== null;
            expect(runAlone(kernel.dmirror_migrate_to_device(mirror, page))).toBe(isHere);
            if (isHere) moved.there++;
          }
        }
        const away = PAGES.filter((page) => swapEntry(tables, page) !== null).length;
        expect(memory.framesInUse - fixed).toBe(present.size - away);
        expect(mirror.pgmap.memory.framesInUse).toBe(away);
      }),
      { numRuns: 150, seed: 2014 },
    );
    expect(Math.min(moved.there, moved.back)).toBeGreaterThan(50);
  });

  it('leaves a page where it is to which somebody else refers', () => {
    const { device, kernel, memory, mirror, tables } = new MirrorMachine(new World(), build(), {
      vmas: [{ start: 0, end: 1 }],
      mirrored: [0],
    });
    const before = tables.pte(0)!;
    memory.addRefcount(before.pfn, 1);
    expect(runAlone(kernel.dmirror_migrate_to_device(mirror, 0))).toBe(false);
    expect(tables.pte(0)).toEqual(before);
    expect(memory.addRefcount(before.pfn, 0)).toBe(2);
    expect(mirror.pgmap.memory.framesInUse).toBe(0);
    expect(device.entry(0)).toBeNull();
  });
});

describe('the sequence of intervals', () => {
  it('makes readers wait from the first range that meets their interval to the last end of all, and begin again if there was one', () => {
    const range = fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 2 }));
    const step = fc.oneof(range, fc.constant('end' as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20, size: 'max' }), (steps) => {
        const world = new World();
        const machine = new MirrorMachine(world, build(), { vmas: [{ start: 0, end: 1 }] });
        const { kernel } = machine;
        const intervals = new IntervalSubscriptions(world, 'mm');
        const mm = { ...machine.mm, intervals };
        const own = [0, 2].map((start) => intervalOf(world, start, kernel));
        for (const one of own) runAlone(kernel.mmu_interval_notifier_insert(mm, one));
        const seqs = own.map((one) => runAlone(kernel.mmu_interval_read_begin(mm, one)));
        let active = 0;
        const under = [false, false];
        const changed = [false, false];
        for (const now of steps) {
          if (now === 'end') {
            if (active === 0) continue;
            runAlone(kernel.mmu_notifier_invalidate_range_end(mm, 0, 4));
            if (--active === 0) under.fill(false);
          } else {
            const [start, pages] = now;
            active++;
            runAlone(kernel.mmu_notifier_invalidate_range_start(mm, start, start + pages));
            for (const [i, one] of own.entries()) {
              if (one.start >= start + pages || one.end <= start) continue;
              under[i] = true;
              changed[i] = true;
            }
          }
          expect(own.map((one) => wouldWait(kernel.mmu_interval_read_begin(mm, one)))).toEqual(under);
          expect(own.map((one, i) => runAlone(kernel.mmu_interval_read_retry(one, seqs[i]!)))).toEqual(changed);
          expect(intervals.invalidate_seq.peek() % 2 === 1).toBe(under.includes(true));
        }
      }),
      { numRuns: 150, seed: 2014 },
    );
  });
});

/** [start, start + 2), whose driver sets its number and has nothing to drop. */
function intervalOf(world: World, start: number, kernel: MirrorMachine['kernel']): IntervalNotifier {
  const own: IntervalNotifier = {
    start,
    end: start + 2,
    invalidate_seq: new Cell(world, `interval ${start}`, 1),
    *invalidate(_start, _end, cur_seq) {
      yield* kernel.mmu_interval_set_seq(own, cur_seq);
    },
  };
  return own;
}

/** Whether the flow, run alone, comes to a wait that does not end. */
function wouldWait(flow: Flow<unknown>): boolean {
  for (;;) {
    const { done, value } = flow.next();
    if (done === true) return false;
    if (value?.role === 'wait' && !value.enabled(0)) return true;
    value?.perform(0);
  }
}

describe('a device with a table of its own', () => {
  const access = (device: ExternalMirror, write = false) => {
    let pfn = -1;
    const result = runAlone(device.access(0, write, (entry) => (pfn = entry.pfn)));
    return result === 'done' ? pfn : result;
  };

  it('follows its table, or its TLB until that is dropped', () => {
    for (const tlb of [false, true]) {
      const device = new ExternalMirror(new World(), 'gpu', { pages: PAGES, tlb });
      expect(access(device)).toBe('not present');
      device.set(0, { pfn: 7, writable: false, local: false });
      expect([access(device), access(device, true)]).toEqual([7, 'not writable']);
      device.set(0, { pfn: 8, writable: true, local: false });
      expect(access(device)).toBe(tlb ? 7 : 8);
      expect(access(device, true)).toBe(8);
      device.set(0, null);
      expect(access(device)).toBe(tlb ? 8 : 'not present');
      device.flush(0, 1);
      expect(access(device)).toBe('not present');
    }
  });

  it('does not fill its TLB with what was dropped since it read it', () => {
    const device = new ExternalMirror(new World(), 'gpu', { pages: PAGES, tlb: true });
    device.set(0, { pfn: 7, writable: true, local: false });
    const reached: number[] = [];
    const flow = device.access(0, false, ({ pfn }) => reached.push(pfn));
    for (let steps = 0; steps < 3; steps++) flow.next();
    device.set(0, { pfn: 8, writable: true, local: false });
    device.flush(0, 1);
    runAlone(flow);
    expect(reached).toEqual([8]);
  });
});

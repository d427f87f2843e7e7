/** The walker and the devices' TLBs: what they keep, what an invalidation drops, and a comparison with a walk that keeps nothing. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runAlone, World } from '../../src/base/index.ts';
import { type AccessResult, ExternalDevice, ExternalWalker, RecordedMemory, X86_64 } from '../../src/hw/index.ts';
import { MmTables } from '../../src/kernel/index.ts';

const PAGES = [0, 1, 512, 512 * 512];

function bench({ ats = true, rechecks = true, structures = true, tries = 0 } = {}) {
  const world = new World();
  const memory = new RecordedMemory(world);
  const tables = new MmTables(world, 'mm', memory, new Map());
  const walker = new ExternalWalker(world, memory, {
    format: X86_64,
    top: 3,
    spaces: 1,
    pages: PAGES,
    rechecks,
    structures,
  });
  walker.roots.store(0, tables.pgd);
  const device = new ExternalDevice(world, 'dev', walker, { spaces: 1, pages: PAGES, ats, tries });
  const access = (page: number, write = false): number | AccessResult => {
    let reached = -1;
    const result = runAlone(
      device.access({ space: 0, page, write }, (pfn) => {
        reached = pfn;
      }),
    );
    return result === 'done' ? reached : result;
  };
  const flush = (page: number, end: number, leafOnly = false) => {
    walker.invalidate(0, page, end, leafOnly);
    device.invalidate(0, page, end);
  };
  return { access, device, flush, memory, tables };
}

describe('walker', () => {
  it('keeps what it read until it is told', () => {
    const { access, flush, tables } = bench();
    tables.setPte(0, { pfn: 0x77, writable: true });
    expect(access(0)).toBe(0x77);
    tables.setPte(0, { pfn: 0x78, writable: true });
    expect(access(0)).toBe(0x77);
    flush(1, 2);
    expect(access(0)).toBe(0x77);
    flush(0, 1);
    expect(access(0)).toBe(0x78);
  });

  it('keeps pointers to tables when only leaf entries are dropped', () => {
    const { access, flush, memory, tables } = bench();
    tables.setPte(0, { pfn: 0x77, writable: true });
    expect(access(0)).toBe(0x77);
    const table = tables.tableAt(0, 0);
    tables.unlink(0, 0);
    flush(0, 1, true);
    expect(access(1)).toBe('not present');
    memory.freeFrame(table);
    expect(() => access(0)).toThrow(/read after it was freed/);
    flush(0, 1);
    expect(access(0)).toBe('not present');
  });

  it('refuses writes that a kept entry does not allow, for good or until it looks again', () => {
    for (const rechecks of [true, false]) {
      const { access, flush, tables } = bench({ rechecks });
      tables.setPte(0, { pfn: 0x77, writable: false });
      expect([access(0), access(0, true)]).toEqual([0x77, 'not writable']);
      tables.setPte(0, { pfn: 0x77, writable: true });
      expect(access(0, true)).toBe(rechecks ? 0x77 : 'not writable');
      flush(0, 1);
      expect(access(0, true)).toBe(0x77);
    }
  });

  it('says as a walk that keeps nothing, where every change is followed by an invalidation', () => {
    const page = fc.constantFrom(...PAGES);
    const change = fc.record({
      page,
      pfn: fc.integer({ min: 0x100, max: 0x1ff }),
      writable: fc.boolean(),
      clears: fc.boolean(),
    });
    const look = fc.record({ page, write: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(fc.oneof(change, look), { maxLength: 40 }),
        fc.boolean(),
        fc.boolean(),
        (ops, ats, structures) => {
          const { access, flush, tables } = bench({ ats, structures });
          const known = new Map<number, { pfn: number; writable: boolean }>();
          for (const op of ops) {
            if ('pfn' in op) {
              const { clears, page: at, pfn, writable } = op;
              if (clears && known.has(at)) tables.clearPte(at);
              else if (!clears) tables.setPte(at, { pfn, writable });
              if (clears) known.delete(at);
              else known.set(at, { pfn, writable });
              flush(at, at + 1);
            } else {
              const found = known.get(op.page);
              const refused = found !== undefined && op.write && !found.writable;
              expect(access(op.page, op.write)).toBe(refused ? 'not writable' : (found?.pfn ?? 'not present'));
            }
          }
        },
      ),
    );
  });
});

describe('device', () => {
  it('gives up after so many requests in vain, and ends at once with an answer that is no success', () => {
    const { device, tables } = bench({ tries: 2 });
    expect(tables.pte(0)).toBeNull();
    const answers = (response: 'SUCCESS' | 'INVALID') => {
      const flow = device.access({ space: 0, page: 0, write: false }, () => {});
      for (let requests = 0; ; ) {
        const { done, value } = flow.next();
        if (done === true) return [value, requests];
        if (value?.role !== 'wait') continue;
        requests++;
        runAlone(device.respond(response));
      }
    };
    expect(answers('INVALID')).toEqual(['INVALID', 1]);
    expect(answers('SUCCESS')).toEqual(['gave up', 2]);
    expect(device.failed.peek()).toBe(true);
  });
});

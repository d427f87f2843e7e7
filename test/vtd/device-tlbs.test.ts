/** Device TLBs: invalidations that are sent to them, waited for, and given up. */
import { describe, it } from 'vitest';
import type { DeviceTlbAnswer, DeviceTlbInvalidation } from '../../src/hw/vtd/memory.ts';
import { FECTL_OFFSET } from '../../src/hw/vtd/registers.ts';
import { QIE } from './support/machine.ts';
import { Bench, ICE, ITE, WIDTHS } from './support/queue-bench.ts';
import { Shape } from './support/shape.ts';

const shape = new Shape('device TLBs');

describe('device TLBs', () => {
  class Devices {
    readonly sent: DeviceTlbInvalidation[] = [];
    answer: DeviceTlbAnswer = 'later';
    invalidate(invalidation: DeviceTlbInvalidation): DeviceTlbAnswer {
      this.sent.push(invalidation);
      return this.answer;
    }
  }

  it('are sent the range that the address tells', () => {
    const devices = new Devices();
    devices.answer = 'completed';
    const bench = new Bench(shape, 16, { deviceTlbs: devices });
    for (let ones = 0; ones < 52; ones++) {
      const page = 2n ** BigInt(ones) - 1n;
      for (const [low, size] of [
        [3n | (0x1a9n << 32n), 1n],
        [8n | (0x1a9n << 16n) | (0x12345n << 32n), 0x800n],
      ] as const) {
        bench.passes([low, (page << 12n) | size], () => `${ones} ones`);
        const { sourceId, pasid, page: from, pages } = devices.sent.pop()!;
        shape.equal(sourceId, 0x1a9, () => 'source');
        shape.equal(pasid, size === 1n ? -1 : 0x12345, () => 'PASID');
        shape.equal(from, 0, () => `page, ${ones} ones`);
        shape.equal(pages, 2 ** (ones + 1), () => `pages, ${ones} ones`);
        bench.passes([low, page << 12n], () => `${ones} ones, one page`);
        shape.equal(devices.sent.pop()!.pages, 1, () => 'one page');
      }
    }
  });

  it('are waited for', () => {
    for (const width of WIDTHS) {
      for (let count = 1; count < 5; count++) {
        const bench = new Bench(shape, width, { deviceTlbs: new Devices() });
        for (let i = 0; i < count; i++) bench.queue.add(3n);
        bench.wait(1);
        bench.queue.add(0x11n);
        bench.queue.tell();
        for (let i = 0; i < count; i++) {
          bench.stands(count * width, 0n, () => `${i} of ${count} answered`);
          shape.equal(bench.written(), 0, () => `${i} of ${count} answered`);
          bench.machine.unit.deviceTlbCompleted();
        }
        bench.stands(bench.queue.tail, 0n, () => 'answered');
        shape.equal(bench.written(), 1, () => 'answered');
      }
    }
  });

  it('that answer what they were not asked set ICE, and the queue stands still until it is cleared', () => {
    const bench = new Bench(shape, 16);
    bench.machine.unit.deviceTlbCompleted();
    bench.wait(1);
    bench.queue.tell();
    bench.stands(0, ICE, () => 'ICE');
    bench.clear(ICE);
    bench.stands(16, 0n, () => 'cleared');
    shape.equal(bench.written(), 1, () => 'cleared');
  });

  it('that do not answer set ITE: the wait is aborted, and later ones are as ever', () => {
    for (const width of WIDTHS) {
      for (const answer of ['later', 'timed-out'] as const) {
        const devices = new Devices();
        devices.answer = answer;
        const bench = new Bench(shape, width, { deviceTlbs: devices });
        bench.machine.unit.write(FECTL_OFFSET, 4, 0n);
        bench.queue.add(3n);
        bench.wait(1, 0);
        bench.queue.tell();
        if (answer === 'later') {
          bench.stands(width, 0n, () => answer);
          bench.machine.unit.deviceTlbTimedOut();
        }
        bench.stands(width, ITE, () => `${answer}: ITE`);
        shape.equal(bench.machine.messages.length, 1, () => `${answer}: event`);
        bench.clear(ITE);
        bench.stands(2 * width, 0n, () => `${answer}: cleared`);
        shape.equal(bench.written(), 0, () => `${answer}: aborted`);
        devices.answer = 'completed';
        bench.queue.add(3n);
        bench.wait(2, 1);
        bench.queue.tell();
        bench.stands(4 * width, 0n, () => `${answer}: resumed`);
        shape.equal(bench.written(1), 2, () => `${answer}: resumed`);
      }
    }
  });

  it('of which one did not answer: disabling the queue forgets what was aborted', () => {
    const devices = new Devices();
    const bench = new Bench(shape, 16, { deviceTlbs: devices });
    bench.queue.add(3n);
    for (let i = 0; i < 8; i++) bench.wait(1, 0);
    bench.queue.tell();
    bench.machine.unit.deviceTlbTimedOut();
    bench.machine.disable(QIE);
    bench.clear(ITE);
    bench.queue.tail = 0;
    bench.queue.tell();
    bench.machine.enable(QIE);
    bench.wait(2, 1);
    bench.queue.tell();
    bench.stands(16, 0n, () => 'enabled again');
    shape.equal(bench.written(1), 2, () => 'enabled again');
  });
});

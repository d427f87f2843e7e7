/**
 * L44, Ethan Zhao (v13, 2024) and fe89277c9ceb (2026): a device is gone, its TLB invalidation times out (ITE), every wait in flight is aborted, and -EAGAIN has it submitted again, with interrupts off, for ever.
 *
 * Wrong fix: the device is looked at once, before the invalidation is submitted.
 */
import { Cell, type Flow, until, type World } from '../../base/index.ts';
import type { Daemon, Program } from '../../check/index.ts';
import type { Litmus } from './scenario.ts';

type Status = 'free' | 'in use' | 'done' | 'abort';

interface Checks {
  readonly before: boolean;
  /** After a time-out, too. */
  readonly again: boolean;
}

const [EAGAIN, ETIMEDOUT, ENODEV] = [-11, -110, -19];

function programOf(checks: Checks) {
  return (world: World): Program => {
    const present = new Cell<number>(world, 'the device is there', 1);
    const status = new Cell<Status>(world, 'status of the wait', 'free');
    /** The unit: a device that is gone does not answer, and after a while the wait is aborted. */
    function* unit(): Flow<void> {
      for (;;) {
        yield until(world, 'a descriptor is there', () => status.peek() === 'in use');
        yield;
        const answers = present.load() === 1;
        yield;
        status.store(answers ? 'done' : 'abort');
      }
    }
    /** linux v6.8 drivers/iommu/intel/dmar.c: qi_submit_sync, qi_check_fault */
    function* qi_submit_once(): Flow<number> {
      yield;
      status.store('in use');
      yield until(world, 'the wait has ended', () => status.peek() !== 'in use');
      yield;
      const came = status.load();
      yield;
      status.store('free');
      return came === 'done' ? 0 : EAGAIN;
    }
    function* isThere(): Flow<boolean> {
      yield;
      return present.load() === 1;
    }
    /** linux v6.8 drivers/iommu/intel/dmar.c: qi_flush_dev_iotlb, qi_submit_sync */
    function* qi_flush_dev_iotlb(): Flow<number> {
      if (checks.before && !(yield* isThere())) return ENODEV;
      for (;;) {
        const failed = yield* qi_submit_once();
        if (failed === 0) return 0;
        if (checks.again && !(yield* isThere())) return ETIMEDOUT;
      }
    }
    function* detach(): Flow<void> {
      const result = yield* qi_flush_dev_iotlb();
      world.reach(result === 0 ? 'flushed' : 'given up');
    }
    function* unplug(): Flow<void> {
      yield;
      present.store(0);
    }
    const daemon: Daemon = { daemon: unit() };
    const reachable = checks.again ? ['flushed', 'given up'] : ['flushed'];
    return { threads: { detach: detach(), unplug: unplug(), unit: daemon }, reachable };
  };
}

export const L44: Litmus = {
  name: 'L44 time-out for ever',
  source: 'list 2024, v13; fe89277c9ceb (2026)',
  about: 'A device is unplugged while its TLB is flushed.',
  bounds: 'one device, one flush',
  cases: [
    { name: 'as it was', expect: 'violated', program: programOf({ before: false, again: false }) },
    { name: 'fixed: looked at after a time-out', expect: 'holds', program: programOf({ before: true, again: true }) },
    { name: 'wrong fix: looked at before', expect: 'violated', program: programOf({ before: true, again: false }) },
  ],
};

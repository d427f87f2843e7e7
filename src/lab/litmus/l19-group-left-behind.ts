/**
 * L19, CVE-2025-21770: when page requests of a device are switched off, iopf_queue_remove_device answers the groups that are still open, and forgot to free them. What is freed without being taken off the
 * list is worse: the worker, which is about to answer one of them, touches it again.
 */
import { ATOMIC, Cell, type Flow, join, Mutex, type World } from '../../base/index.ts';
import type { Program } from '../../check/index.ts';
import { InvariantBroken } from '../../kernel/index.ts';
import type { Litmus } from './scenario.ts';

/** struct iopf_group. */
class Group {
  readonly life: Cell<number>;
  /** Answers that it was given. */
  answers = 0;

  constructor(world: World, name: string) {
    this.life = new Cell(world, name, 0, { freeable: true });
  }
}

interface Removal {
  readonly frees: boolean;
  /** From the list of open groups, under fault_param->lock. */
  readonly unlinks: boolean;
}

function programOf({ frees, unlinks }: Removal) {
  return (world: World): Program => {
    const fault_lock = new Mutex(world, 'fault_param->lock');
    const groups = [new Group(world, 'group 0'), new Group(world, 'group 1')];
    /** fault_param->faults. Context: fault_param->lock. */
    let open: readonly Group[] = groups;
    const live = new Cell(world, 'groups that are allocated', groups.length);
    function* free(group: Group): Flow<void> {
      yield ATOMIC;
      group.life.free();
      live.store(live.load() - 1);
    }
    /** linux v6.12 drivers/iommu/io-pgfault.c: iopf_group_response */
    function* iopf_group_response(group: Group): Flow<boolean> {
      yield fault_lock.acquire();
      const isOpen = open.includes(group);
      if (isOpen) {
        yield;
        group.life.store(1);
        group.answers++;
        open = open.filter((one) => one !== group);
      }
      yield fault_lock.release();
      return isOpen;
    }
    /** linux v6.12 drivers/iommu/io-pgfault.c: iopf_queue_remove_device */
    function* iopf_queue_remove_device(): Flow<void> {
      yield fault_lock.acquire();
      const own = open;
      for (const group of own) {
        yield;
        group.life.store(1);
        group.answers++;
        if (frees) yield* free(group);
      }
      if (unlinks) open = [];
      yield fault_lock.release();
      if (own.length > 0) world.reach('a group was open');
    }
    /** Who takes a group off the list frees it. To the other one no handler has come yet. linux v6.12 drivers/iommu/iommu-sva.c: iommu_sva_handle_iopf */
    function* worker(): Flow<void> {
      const first = groups[0]!;
      const isMine = yield* iopf_group_response(first);
      if (isMine) yield* free(first);
      world.reach(isMine ? 'the worker answers' : 'the group was answered');
    }
    function* end(): Flow<void> {
      yield join(world, 'remove', 'worker');
      yield;
      const left = live.load();
      if (left > 0)
        throw new InvariantBroken(`INV-8: ${left} of ${groups.length} groups are allocated still, and nobody has them`);
    }
    return {
      threads: { remove: iopf_queue_remove_device(), worker: worker(), end: end() },
      reachable: ['a group was open', 'the worker answers', 'the group was answered'],
    };
  };
}

export const L19: Litmus = {
  name: 'L19 group left behind',
  source: 'CVE-2025-21770',
  about:
    'Page requests of a device are switched off while two groups are open, one of which a worker is about to answer.',
  bounds: 'two groups, one worker',
  cases: [
    { name: 'as it was: not freed', expect: 'violated', program: programOf({ frees: false, unlinks: true }) },
    { name: 'fixed', expect: 'holds', program: programOf({ frees: true, unlinks: true }) },
    {
      name: 'wrong fix: freed, and left on the list',
      expect: 'violated',
      program: programOf({ frees: true, unlinks: false }),
    },
  ],
};

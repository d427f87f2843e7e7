/**
 * L19, CVE-2025-21770: when page requests of a device are switched off, iopf_queue_remove_device answers the groups that are still open, and forgot to free them: those of a handler that keeps groups for later have nobody any more.
 *
 * The fix rests on the workqueue being empty by then: a worker frees its group whatever the list says. Wrong fix: what is answered is freed, and stays on the list.
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
  /** A worker has the first group; and whether it is waited for. */
  readonly worker?: 'flushed' | 'under way';
  readonly frees: boolean;
  /** From the list of open groups, under fault_param->lock. */
  readonly unlinks: boolean;
}

function programOf({ frees, unlinks, worker: has }: Removal) {
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
    /** linux v6.12 drivers/iommu/iommu-sva.c: iommu_sva_handle_iopf, iopf_free_group */
    function* worker(): Flow<void> {
      const first = groups[0]!;
      yield* iopf_group_response(first);
      yield;
      first.life.load();
      yield* free(first);
    }
    /** The driver may answer once more what is on the list: linux v6.12 drivers/iommu/io-pgfault.c: iopf_queue_free */
    function* removes(): Flow<void> {
      if (has === 'flushed') yield join(world, 'worker');
      yield* iopf_queue_remove_device();
      if (!unlinks) yield* iopf_group_response(groups[1]!);
    }
    function* end(): Flow<void> {
      yield join(world, 'remove', ...(has === undefined ? [] : ['worker']));
      yield;
      const left = live.load();
      if (left > 0)
        throw new InvariantBroken(`INV-8: ${left} of ${groups.length} groups are allocated still, and nobody has them`);
    }
    const threads: Record<string, Flow<void>> = { remove: removes(), end: end() };
    if (has !== undefined) threads['worker'] = worker();
    return { threads, reachable: ['a group was open'] };
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
      name: 'fixed, a worker had a group and was waited for',
      expect: 'holds',
      program: programOf({ frees: true, unlinks: true, worker: 'flushed' }),
    },
    {
      name: 'fixed, a worker has a group still',
      expect: 'violated',
      program: programOf({ frees: true, unlinks: true, worker: 'under way' }),
    },
    {
      name: 'wrong fix: freed, and left on the list',
      expect: 'violated',
      program: programOf({ frees: true, unlinks: false }),
    },
  ],
};

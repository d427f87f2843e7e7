/**
 * L17, SMMUv3's SVA (Apr 2022): a bond kept the mm and no reference of the structure; the process was gone when the driver unbound.
 *
 * Wrong fix: a reference that `.release` gives back, as if nobody needed the structure after the address space.
 */
import type { Kernel, Patch, Subscription } from '../../kernel/index.ts';
import type { Litmus } from './scenario.ts';
import { passedFile } from './scenarios/passed-file.ts';

function* link(subscription: Subscription) {
  const { mm } = subscription;
  yield mm.notifier_lock.acquire();
  mm.subscriptions = [...mm.subscriptions, subscription];
  yield mm.notifier_lock.release();
}

/** linux v5.17 drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3-sva.c: arm_smmu_mmu_notifier_put */
function* unlink(kernel: Kernel, { mm }: Subscription) {
  yield mm.notifier_lock.acquire();
  mm.subscriptions = mm.subscriptions.filter((own) => own.mm !== mm);
  yield mm.notifier_lock.release();
  yield* kernel.synchronize_srcu(mm);
}

const NO_REFERENCE: Patch = {
  replace: {
    *mmu_notifier_register(subscription) {
      yield* link(subscription);
    },
    *mmu_notifier_put(subscription) {
      yield* unlink(this, subscription);
    },
  },
};

/** mmdrop as soon as the address space is gone. */
const UNTIL_RELEASE: Patch = {
  replace: {
    *mmu_notifier_register(subscription) {
      yield* this.mmgrab(subscription.mm);
      yield* link(subscription);
    },
    *mmu_notifier_put(subscription) {
      yield* unlink(this, subscription);
    },
  },
  after: {
    *mmu_notifier_release(mm) {
      yield* this.mmdrop(mm);
    },
  },
};

export const L17: Litmus = {
  ...passedFile,
  name: 'L17 bond without reference',
  source: 'arm-smmu-v3-sva.c, Apr 2022',
  about: 'A process opens a device, hands the file to a child and exits; the child closes it, and so unbinds.',
  cases: [
    { name: 'as it was', expect: 'violated', changes: [NO_REFERENCE] },
    { name: 'fixed: mmgrab', expect: 'holds' },
    { name: 'wrong fix: until .release', expect: 'violated', changes: [UNTIL_RELEASE] },
  ],
};

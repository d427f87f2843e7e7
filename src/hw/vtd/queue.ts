/**
 * The invalidation queue (VT-d 6.5.2): descriptors are fetched, executed and completed in steps of their own. A descriptor that is
 * no good sets IQE and stops the queue where it is; a device that does not answer sets ITE and aborts the waits that are in the
 * queue. Software clears the bit, and the queue goes on.
 */
// @straight
import { ATOMIC, type Flow } from '../../base/flow.ts';
import { hasReservedBits } from './descriptors.ts';
import {
  invalidateContexts,
  invalidateIotlb,
  invalidatePasidIotlb,
  invalidatePasids,
  PASID_PAGE_SELECTIVE,
  PASID_SELECTIVE,
  SELECTIVE,
} from './invalidate.ts';
import { IQE, type QueueState } from './queue-state.ts';

const INTERRUPT_FLAG = 0x10;
const STATUS_WRITE = 0x20;
const FENCE = 0x40;

/** Descriptors from head to tail, until the queue is empty or stopped. */
export function* serveQueue(queue: QueueState): Flow<void> {
  for (;;) {
    yield ATOMIC;
    if (!queue.enabled || queue.hasError() || queue.head === queue.tail) return;
    const goesOn = yield* serveOne(queue);
    if (!goesOn) return;
  }
}

/** One descriptor. Context: head is not tail, the queue is enabled and not stopped. False: it is not done with it. */
export function* serveOne(queue: QueueState): Flow<boolean> {
  yield ATOMIC;
  if (!queue.fetch() || !isGood(queue, queue.halves[0]! & 15)) {
    queue.stop(IQE);
    return false;
  }
  const type = queue.halves[0]! & 15;
  switch (type) {
    case 1:
    case 2:
    case 6:
    case 7:
      yield* invalidate(queue, type);
      break;
    case 3:
    case 8:
      yield* invalidateDeviceTlb(queue, type);
      break;
    case 5:
      return yield* wait(queue);
    case 9:
      yield ATOMIC;
      queue.respond();
  }
  yield ATOMIC;
  queue.advance();
  return true;
}

function isGood(queue: QueueState, type: number): boolean {
  const { halves, state } = queue;
  const { caps } = state;
  if (type === 0 || type > 9 || hasReservedBits(type, halves) || queue.hasUpperBits()) return false;
  const granularity = (halves[0]! >> 4) & 3;
  switch (type) {
    case 1:
      return granularity !== 0;
    case 2:
      return granularity !== 0 && (granularity !== SELECTIVE || isGoodMask(queue));
    case 3:
      return caps.deviceTlb;
    case 4:
      return caps.interruptRemapping;
    case 5:
      // A fence alone tells nobody (Linux intel_iommu_drain_pasid_prq).
      return (halves[0]! & (STATUS_WRITE | INTERRUPT_FLAG | FENCE)) !== 0;
    case 6:
      // PSI and MAMV are about the other kind: a unit with scalable mode takes any address mask here (Linux does not ask).
      return caps.scalable && (granularity === PASID_SELECTIVE || granularity === PASID_PAGE_SELECTIVE);
    case 7:
      return caps.scalable && granularity !== 2;
    case 8:
      return caps.scalable && caps.deviceTlb;
    default:
      return caps.pageRequests;
  }
}

function isGoodMask({ halves, state }: QueueState): boolean {
  return state.caps.pageSelective && (halves[2]! & 63) <= state.caps.maxAddressMask;
}

function* invalidate(queue: QueueState, type: number): Flow<void> {
  const { halves, state } = queue;
  const granularity = (halves[0]! >> 4) & 3;
  const did = halves[0]! >>> 16;
  const low = halves[1]!;
  const pages = 2 ** (halves[2]! & 63);
  const page = queue.page() - (queue.page() % pages);
  const leafOnly = (halves[2]! & 64) !== 0;
  yield ATOMIC;
  if (type === 1) invalidateContexts(state, granularity, did, low & 0xffff, (low >> 16) & 3);
  else if (type === 2) invalidateIotlb(state, granularity, did, page, pages, leafOnly);
  else if (type === 6) invalidatePasidIotlb(state, granularity, did, low & 0xfffff, page, pages, leafOnly);
  else invalidatePasids(state, granularity, did, low & 0xfffff);
  queue.executed();
}

/** Sends it and goes on: a wait that follows waits for the answer. */
function* invalidateDeviceTlb(queue: QueueState, type: number): Flow<void> {
  yield ATOMIC;
  const answer = queue.sendToDevice(type);
  if (answer === 'timed-out') queue.timeOut();
}

/** Completes when all that came before has: walks that used what was dropped are over, devices have answered. */
function* wait(queue: QueueState): Flow<boolean> {
  const { halves } = queue;
  yield queue.untilCompleted();
  yield ATOMIC;
  if (!queue.isCompleted()) return false;
  if (!queue.isAborted()) {
    if ((halves[0]! & STATUS_WRITE) !== 0) queue.writeStatus();
    if ((halves[0]! & INTERRUPT_FLAG) !== 0) queue.signal();
  }
  queue.advance();
  return true;
}

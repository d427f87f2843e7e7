/**
 * A unit whose threads a checker interleaves: caches, queue and walks under way are shared objects of a world, so that the checker
 * knows which steps depend on each other. Memory is a `RecordedMemory`, or whatever records its accesses itself.
 */
import { ATOMIC, type Flow, until, untilAtomic } from '../../base/flow.ts';
import type { World } from '../../base/world.ts';
import type { Capabilities } from './capabilities.ts';
import { FaultLog } from './faults.ts';
import type { VtdMemory } from './memory.ts';
import { serveOne } from './queue.straight.ts';
import { serveQueue } from './queue.ts';
import { type QueueOptions, QueueState } from './queue-state.ts';
import { RegisterFile } from './registers.ts';
import { type Choices, UnitState } from './state.ts';
import type { AccessRecorder } from './tagged-cache.ts';

export interface RecordedUnit {
  readonly state: UnitState;
  readonly queue: QueueState;
  readonly faults: FaultLog;
}

/** Tells a world of accesses to things that are no words of memory: each is one shared object. */
export function recorderIn(world: World): (name: string) => AccessRecorder {
  return (name) => {
    const object = world.register(name);
    let changes = 0;
    const stored = (): void => {
      world.plainAccesses++;
      world.record(object, 'write');
      const before = changes++;
      world.tracer?.({ object, word: 0, kind: 'write', before, after: changes });
    };
    return {
      loaded: () => {
        if (world.peeking) {
          world.peeked.push(world.locationOf(object));
          return;
        }
        world.plainAccesses++;
        world.record(object, 'read');
        world.tracer?.({ object, word: 0, kind: 'read', before: changes, after: changes });
      },
      stored,
      storedInOrder: (what) => {
        world.locked(what);
        stored();
      },
    };
  };
}

/** Translation is enabled, and the root table set, as after TE and SRTP. `capabilities`: decoded once, outside the program. */
export function recordedUnit(
  world: World,
  capabilities: Capabilities,
  memory: VtdMemory,
  root: { readonly frame: number; readonly ttm: number },
  options: Choices & QueueOptions = {},
): RecordedUnit {
  const state = new UnitState(capabilities, memory, { ...options, recorder: recorderIn(world) });
  state.until = (label, condition) => until(world, label, condition);
  state.enabled = true;
  state.root = root.frame;
  state.ttm = root.ttm;
  const registers = new RegisterFile(capabilities);
  const { faultOffset, faultRecords } = capabilities;
  const faults = new FaultLog(registers, faultOffset, faultRecords, options.interrupts ?? null);
  return { state, faults, queue: new QueueState(state, registers, faults, options) };
}

/** The thread that serves the invalidation queue for ever: a daemon. A descriptor that is no good fails it: software would wait for ever. */
export function* invalidationThread({ queue, state }: RecordedUnit): Flow<void> {
  for (;;) {
    yield state.until('the invalidation queue has work', () => queue.hasWork());
    yield* serveQueue(queue);
    if (queue.problem !== null) throw new Error(queue.problem);
  }
}

/**
 * The same, each descriptor in one step: fetched when it is executed, and done with then. Nothing can see a part of that but somebody who reads
 * the head register. Far fewer executions where several threads use the queue.
 */
export function* descriptorThread(world: World, { queue, state }: RecordedUnit): Flow<void> {
  for (;;) {
    yield untilAtomic(world, 'the invalidation queue has work', () => queue.hasWork());
    const isServed = serveOne(queue);
    if (queue.problem !== null) throw new Error(queue.problem);
    if (!isServed) yield state.until('invalidations are complete', () => queue.isCompleted());
  }
}

/**
 * Hardware drops what one of its caches has, at some point of the execution: a thread beside the others. Without one an entry stays until
 * an invalidation drops it.
 */
export function* eviction(unit: RecordedUnit, cache: 'contexts' | 'pasids' | 'iotlb' | 'structures'): Flow<void> {
  yield ATOMIC;
  unit.state.caches[cache].dropAll();
}

/**
 * A thread that can only go on while a condition holds: a task while it has a CPU. Each of its steps becomes one that waits for
 * the condition too, in one step with what it announced.
 */
import { assert } from './assert.ts';
import { drainsFirst, type Flow, type Step } from './flow.ts';
import type { World } from './world.ts';

const NOBODY: readonly number[] = [];
/** Accesses that may stand in the step of an announcement, where it is not none. */
const ACCESSES: Readonly<Partial<Record<Step['role'], number>>> = { locked: 1, atomic: Number.POSITIVE_INFINITY };

/** Runs a flow, each step of which waits until `condition` holds; the condition looks at shared objects with peek() alone. */
export function* gated<R>(
  world: World,
  label: string,
  condition: () => boolean,
  flow: Flow<R>,
  /** Told what the flow announces, before it is waited for; null: it has ended. */
  announced: (step: Step | undefined | null) => void = () => {},
): Flow<R> {
  const steps = new Map<Step | undefined, Step>();
  for (;;) {
    const next = flow.next();
    if (next.done === true) {
      announced(null);
      return next.value;
    }
    const inner = next.value;
    announced(inner);
    let step = steps.get(inner);
    if (step === undefined) {
      step = gatedStep(world, label, condition, inner);
      steps.set(inner, step);
    }
    // Announced where the inner flow announced it, so that its place stays the program's.
    if (world.lastAnnounced === inner || world.lastAnnounced === null) world.lastAnnounced = step;
    yield step;
  }
}

function gatedStep(world: World, label: string, condition: () => boolean, inner: Step | undefined): Step {
  assert(inner?.role !== 'relax' && inner?.role !== 'join', `${inner?.label} cannot be waited for behind a gate`);
  const accesses = inner === undefined ? 1 : (inner.accesses ?? ACCESSES[inner.role]);
  return {
    label: inner === undefined ? label : inner.label,
    role: 'wait',
    drains: drainsFirst(inner),
    enabled: (thread) => {
      const isOpen = world.evaluate(condition);
      if (!isOpen || inner === undefined) return isOpen;
      const own = world.peeked.slice();
      const isEnabled = world.evaluate(() => inner.enabled(thread));
      for (const location of own) world.peeked.push(location);
      return isEnabled;
    },
    perform: (thread) => {
      world.evaluate(condition);
      for (const location of world.peeked) world.note(2 * location);
      if (inner?.role === 'locked') world.locked(inner.label);
      inner?.perform(thread);
    },
    waitsFor: inner === undefined ? () => NOBODY : (thread) => inner.waitsFor(thread),
    ...(accesses === undefined ? {} : { accesses }),
    ...(inner?.lock === undefined ? {} : { lock: inner.lock }),
  };
}

/**
 * What a call from another CPU does to a task's FPU state, where that may be on its way between registers and memory: it is done when that is
 * over. Each design has one such action a CPU, the last it was asked for.
 */
import type { Flow } from '../../base/index.ts';
import type { Kernel, Patch, Rq, Task } from '../../kernel/index.ts';
import type { Need } from '../design.ts';

type Action = (tsk: Task) => Flow<void>;

/** By design. Context: the CPU itself. */
function actionsOf(kernel: Kernel, rq: Rq): Map<string, Action> {
  const key = `deferred on ${rq.cpu.name}`;
  let actions = kernel.extra.get(key) as Map<string, Action> | undefined;
  if (actions === undefined) {
    actions = new Map();
    kernel.extra.set(key, actions);
  }
  return actions;
}

/** Does it now for `tsk`, or later for whoever is current then. Context: an interrupt of the CPU. */
export function* whenStateRests(k: Kernel, rq: Rq, design: string, tsk: Task, action: Action): Flow<void> {
  const moves = yield* k.fpu_state_moves(rq);
  if (moves) actionsOf(k, rq).set(design, action);
  else yield* action(tsk);
}

function* doDeferred(k: Kernel, rq: Rq): Flow<void> {
  const actions = actionsOf(k, rq);
  for (const [design, action] of actions) {
    actions.delete(design);
    yield;
    const tsk = rq.curr.load();
    if (tsk !== null) yield* action(tsk);
  }
}

const patch: Patch = {
  after: {
    *fpregs_unlock(rq) {
      yield* doDeferred(this, rq);
    },
    *kernel_fpu_end(tsk) {
      yield* doDeferred(this, tsk.rq);
    },
  },
};

export const deferral: Need = { patch };

/** Runs flows to their ends with daemons beside them: each makes one step in turn when it can. For sequential tests of code that waits. */
import { assert, type Flow, type Step, type World } from '../../src/base/index.ts';

interface Thread {
  readonly flow: Flow<unknown>;
  waits: Step | undefined;
}

export class Beside {
  private readonly world: World;
  private readonly daemons: readonly Thread[];

  constructor(world: World, ...daemons: readonly Flow<unknown>[]) {
    this.world = world;
    this.daemons = daemons.map((flow) => ({ flow, waits: undefined }));
  }

  run<R>(flow: Flow<R>): R {
    const threads: readonly Thread[] = [{ flow, waits: undefined }, ...this.daemons];
    for (;;) {
      let moved = false;
      for (const [thread, state] of threads.entries()) {
        if (state.waits?.enabled(thread) === false) continue;
        this.world.thread = thread;
        state.waits?.perform(thread);
        const next = state.flow.next();
        this.world.thread = -1;
        if (next.done === true) return next.value as R;
        state.waits = next.value as Step | undefined;
        moved = true;
      }
      assert(moved, `nobody can go on: ${threads.map(({ waits }) => waits?.label ?? '').join(', ')}`);
    }
  }
}

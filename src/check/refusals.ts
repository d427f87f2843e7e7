/** What is wrong with a test itself, said so that its author knows what to do. */
import type { Step } from '../base/flow.ts';
import { TestMistake } from '../base/mistake.ts';

export class ForgottenYield extends TestMistake {
  override readonly name = 'ForgottenYield';

  constructor(thread: string, what: string) {
    super(
      `thread '${thread}' ${what}: put a \`yield;\` before each access to a shared object (or \`yield ATOMIC;\` before a step that is to make several)`,
    );
  }
}

export class MixedChoice extends TestMistake {
  override readonly name = 'MixedChoice';

  constructor(thread: string) {
    super(
      `thread '${thread}' chooses and touches a shared object in one step: put a \`yield;\` between choose() and the access`,
    );
  }
}

export class NotAStep extends TestMistake {
  override readonly name = 'NotAStep';

  constructor(thread: string, value: unknown) {
    super(
      `thread '${thread}' yields ${typeof value === 'object' ? 'an object' : String(value)}: a thread yields nothing (\`yield;\`) or what a lock, a queue, until() and the like give`,
    );
  }
}

export class NotYielded extends TestMistake {
  override readonly name = 'NotYielded';

  constructor(thread: string, step: Step) {
    super(
      `thread '${thread}' does not yield ${step.label}, so that it does not take place: \`yield ${step.label}();\` and the like`,
    );
  }
}

export class NotAThread extends TestMistake {
  override readonly name = 'NotAThread';

  constructor(name: string, value: unknown) {
    const hint =
      typeof value === 'function'
        ? 'is a function: call it, so that each execution gets a generator of its own'
        : 'is no generator: write it as function*';
    super(`thread '${name}' ${hint}`);
  }
}

/** What is wrong with a test itself, said so that its author knows what to do. */

/** The test cannot be checked as it is written. Not a verdict on what it models. */
export class TestMistake extends Error {
  override readonly name: string = 'TestMistake';
}

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

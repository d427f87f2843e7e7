/** The test or program is written in a way that cannot be checked. Neither a verdict on what it models nor a bug of ours. */
export class TestMistake extends Error {
  override readonly name: string = 'TestMistake';
}

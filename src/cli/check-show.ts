/** How outcomes are printed as they come: each in full, or, where they are many, as a matrix and in full what is not as expected. */
import { replayCommand, shellWord } from './check-command.ts';
import { isWorthLanes, MatrixPrinter } from './check-matrix.ts';
import { asksForAll, type CheckCommandOptions } from './check-options.ts';
import { columnsFor, type Mistaken, type Outcome, outcomeText } from './check-report.ts';
import type { FoundTest } from './check-select.ts';
import { print, screen } from './screen.ts';

export interface Shown {
  outcome(outcome: Outcome): void;
  mistake(mistaken: Mistaken): void;
  /** When all is done, or as far as it went. */
  end(outcomes: readonly Outcome[]): void;
}

/** More than these are a matrix. */
const MOST_IN_FULL = 20;
/** Of those that are not as expected: who has broken everything is not helped by more. */
const MOST_LANES = 5;

/** Whether tests are so many that only what is not as expected is shown in full. */
export function isMatrix(tests: readonly FoundTest[], options: CheckCommandOptions): boolean {
  const areMany = asksForAll(options) || tests.length > MOST_IN_FULL;
  return areMany && options.counterexample === undefined && tests.every(({ entry }) => entry !== null);
}

export function showing(tests: readonly FoundTest[], options: CheckCommandOptions): Shown {
  if (options.json === true) return { outcome: () => {}, mistake: () => {}, end: () => {} };
  if (isMatrix(tests, options)) return matrix(tests, options);
  const show = inFull(tests, options);
  return { outcome: show, mistake: () => {}, end: () => {} };
}

function inFull(tests: readonly FoundTest[], options: CheckCommandOptions): (outcome: Outcome) => void {
  const columns = columnsFor(tests);
  return (outcome) => {
    const replay = replayCommand(outcome.found, outcome.counterexample?.schedule ?? '', options.memory);
    print(outcomeText(outcome, columns, { replay, full: options.full === true }, screen(options.color)));
  };
}

function matrix(tests: readonly FoundTest[], options: CheckCommandOptions): Shown {
  const printer = new MatrixPrinter(tests, screen(options.color), print);
  return {
    outcome: (outcome) => printer.add(outcome),
    mistake: (mistaken) => printer.addMistake(mistaken),
    end: (outcomes) => {
      printer.end();
      const wrong = outcomes.filter(isWorthLanes);
      const show = inFull(
        wrong.map(({ found }) => found),
        options,
      );
      for (const outcome of wrong.slice(0, MOST_LANES)) show(outcome);
      for (const { found } of wrong.slice(MOST_LANES))
        print(`NOT EXPECTED: tablewalk check ${shellWord(found.test.name)}\n`);
    },
  };
}

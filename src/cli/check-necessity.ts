/** `check NAME --necessity`: built-in designs are taken apart, one after the other. */
import type { CheckTest } from '../check/index.ts';
import { groupedBy } from '../lab/litmus/rows.ts';
import type { MatrixEntry } from '../lab/litmus/scenario.ts';
import { loadApart } from '../lab/necessity/apart.ts';
import { Necessity, type NecessityReport, type Run } from '../lab/necessity/necessity.ts';
import { takenApartAs } from '../lab/necessity/stored.ts';
import { counted } from '../lab/report/text.ts';
import { describeThrown } from '../node/test-file-errors.ts';
import type { CheckCommandOptions } from './check-options.ts';
import { runTest } from './check-run.ts';
import type { FoundTest } from './check-select.ts';
import { BadInput, complain, EXIT, type ExitCode } from './exit.ts';
import { necessityTable, necessityText } from './necessity-text.ts';
import { createProgress } from './progress.ts';
import { print, printJson, screen } from './screen.ts';

/** The document of `--json`. */
export interface NecessityDocument {
  readonly schema: 1;
  readonly command: 'check';
  readonly necessity: readonly (NecessityReport & { readonly seconds: number })[];
  readonly interrupted?: true | undefined;
}

/** Steps of the checker for each that is left out: a second or two. */
const EFFORT = 1_000_000;
/** And for a shorter counterexample. */
const SHORTEN = 200_000;

export async function runNecessity(
  tests: readonly FoundTest[],
  options: CheckCommandOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  const designs = designsOf(tests);
  const apart = await loadApart((name) => import(new URL(`../apart/${name}`, import.meta.url).href));
  const progress = createProgress();
  const necessity: NecessityDocument['necessity'][number][] = [];
  for (const [nth, [design, entries]] of [...designs].entries()) {
    const head = designs.size === 1 ? design : `[${nth + 1}/${designs.size}] ${design}`;
    const tell = (done: number, of: number, what: string): void =>
      progress.show(`${head}: ${done + 1} of ${of}: ${what}`);
    if (signal.aborted) break;
    const start = performance.now();
    const taking = new Necessity(apart, runner(options, signal), {
      all: options.full === true,
      effort: options.slow === true ? Number.POSITIVE_INFINITY : EFFORT,
      isEnough: () => signal.aborted,
      tell,
    });
    const report = await taking.of(design, entries);
    progress.clear();
    necessity.push({ ...report, seconds: (performance.now() - start) / 1000 });
    if (options.json !== true) print(necessityText(necessity.at(-1)!, options.full === true, screen(options.color)));
  }
  if (options.json === true) {
    printJson({
      ...{ schema: 1, command: 'check', necessity },
      ...(signal.aborted ? { interrupted: true } : {}),
    } satisfies NecessityDocument);
  } else if (necessity.length > 1) print(necessityTable(necessity, screen(options.color)));
  if (!signal.aborted) return EXIT.ok;
  const whole = necessity.filter(({ isWhole }) => isWhole).length;
  complain(
    `interrupted: ${whole} of ${counted(designs.size, 'design')} ${designs.size === 1 ? 'was' : 'were'} taken apart by then`,
  );
  return EXIT.interrupted;
}

/** Tests by what is taken apart: a design, or a pair of them; each case of the catalogue for itself. @throws BadInput for tests of a file */
function designsOf(tests: readonly FoundTest[]): ReadonlyMap<string, readonly MatrixEntry[]> {
  const entries = tests.map(({ entry, file, leftOut }) => {
    if (entry !== null) return { entry, leftOut };
    const hint = 'its tests can be given designs of their own, each without a step: docs/litmus.md';
    throw new BadInput({
      code: 'bad-options',
      place: '--necessity',
      message: `it takes the built-in kernel and its designs apart, and ${file} is a file`,
      hint,
    });
  });
  const run = entries.flatMap(({ entry, leftOut }) => (leftOut === null ? [entry] : []));
  return groupedBy(run, takenApartAs);
}

function runner({ maxExecutions, maxSeconds }: CheckCommandOptions, signal: AbortSignal) {
  return async (test: CheckTest, { executions, shorten }: { executions?: number; shorten: boolean }): Promise<Run> => {
    const most = Math.min(executions ?? Number.POSITIVE_INFINITY, maxExecutions ?? Number.POSITIVE_INFINITY);
    const limits = {
      ...(Number.isFinite(most) ? { maxExecutions: most } : {}),
      ...(maxSeconds === undefined ? {} : { maxSeconds }),
    };
    const found = { test, file: null, index: -1, label: test.name, entry: null, leftOut: null };
    try {
      const result = await runTest(
        found,
        { strategy: 'dpor', ...limits, minimise: shorten ? SHORTEN : 0 },
        { signal, progress: () => {} },
      );
      const { message, verdict, violation } = result;
      return { verdict, message, executions: result.executions, steps: result.steps, violation };
    } catch (error) {
      return { verdict: 'refused', message: describeThrown(error), executions: 0, steps: 0, violation: null };
    }
  };
}

/** The lanes of a counterexample as they are printed: whole where it is short or all of it is wanted, else what matters of it. */
import { briefRows, type Counterexample, renderLanes } from '../check/index.ts';
import { counted } from '../lab/report/text.ts';

/** Counterexamples of more steps are shown in brief. */
const LONGEST_WHOLE = 40;
/** Lines that are shown at the beginning and at the end: nobody reads more, and a livelock has thousands. */
const [FIRST_LINES, LAST_LINES] = [60, 40];

/** `full`: all steps, however many. */
export function lanesLines(counterexample: Counterexample, width: number, full: boolean): readonly string[] {
  const all = counterexample.steps.length;
  if (full || all <= LONGEST_WHOLE) return linesOf(counterexample, width, false);
  const shown = briefRows(counterexample).filter(({ kind }) => kind === 'step').length;
  const lines = linesOf(counterexample, width, true);
  const left = lines.length - FIRST_LINES - LAST_LINES;
  const gap = `      … ${counted(left, 'line')} left out …`;
  const most = left <= 1 ? lines : [...lines.slice(0, FIRST_LINES), gap, ...lines.slice(-LAST_LINES)];
  return [...most, '', `${shown} of ${counted(all, 'step')} are shown, those that matter: --full shows all`];
}

function linesOf(counterexample: Counterexample, width: number, brief: boolean): readonly string[] {
  return renderLanes(counterexample, { width, brief }).trimEnd().split('\n');
}

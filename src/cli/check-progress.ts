/** How far a check is: on stderr, on a terminal, when it takes over a second. */
import { counted } from '../lab/report/text.ts';
import { formatPercent, formatSeconds } from '../lab/report/units.ts';
import { about, rateText } from './check-report.ts';
import type { RunProgress } from './check-run.ts';
import type { FoundTest } from './check-select.ts';
import { createProgress } from './progress.ts';

export interface CheckProgress {
  /** For one test: shows what it is told. */
  begin(found: FoundTest): (at: RunProgress) => void;
  clear(): void;
}

/** A run that goes on for longer than this gets its estimate as a line that stays. */
const LONG_SECONDS = 10;
const ESTIMATE_AFTER_MS = 1000;

export function createCheckProgress(tests: number): CheckProgress {
  const progress = createProgress();
  const isTerminal = process.stderr.isTTY && process.env['TERM'] !== 'dumb';
  let nth = 0;
  return {
    clear: () => progress.clear(),
    begin: ({ label }) => {
      const start = performance.now();
      const name = tests > 1 ? `[${++nth}/${tests}] ${label}` : label;
      let estimated = !isTerminal;
      return (at) => {
        const seconds = (performance.now() - start) / 1000;
        if (!estimated && seconds * 1000 >= ESTIMATE_AFTER_MS) {
          estimated = true;
          const text = estimateText(at, seconds);
          progress.clear();
          if (text !== null) process.stderr.write(`${name}: ${text}\n`);
        }
        progress.show(`${name}: ${progressText(at, seconds)}`);
      };
    },
  };
}

function secondsLeft({ done }: RunProgress, seconds: number): number | null {
  return done > 0 ? (seconds * (1 - done)) / done : null;
}

/** What is ahead, for a run that will take long; null for another. */
export function estimateText(at: RunProgress, seconds: number): string | null {
  const left = secondsLeft(at, seconds);
  if (left === null || left < LONG_SECONDS) return null;
  return `${about(at.executions / at.done)}, ${durationText(left)} (an estimate; Ctrl-C prints what is known by then)`;
}

export function progressText(at: RunProgress, seconds: number): string {
  const { executions, done } = at;
  const left = secondsLeft(at, seconds);
  const parts = [
    counted(executions, 'execution'),
    `${rateText(executions / Math.max(seconds, 1e-3))}/s`,
    ...(left === null ? [] : [formatPercent(done), `of ${about(executions / done)}`, `${durationText(left)} left`]),
  ];
  return parts.join(', ');
}

/** Years and more are no time that anybody waits. */
function durationText(seconds: number): string {
  const years = seconds / (365.25 * 86_400);
  if (years >= 100) return 'centuries';
  if (years >= 1) return `${years.toFixed(1)} years`;
  if (seconds >= 2 * 86_400) return `${Math.round(seconds / 86_400)} days`;
  return formatSeconds(Math.round(seconds));
}

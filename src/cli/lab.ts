/**
 * `tablewalk lab`, which is `npm start`: the bundled traces through every design, the thread's benchmark at its own size, the
 * thread's claims beside what was measured, and a report to keep.
 */
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { formatInputError } from '../base/result.ts';
import { TABLE_RECLAIM } from '../designs/index.ts';
import { threadClaims } from '../lab/lab/claims.ts';
import type { LabVerdict } from '../lab/lab/verdicts.ts';
import type { ReplayResult } from '../lab/replay/result.ts';
import { labPage } from '../lab/report/lab-page.ts';
import type { Claim, ReportPage } from '../lab/report/page.ts';
import { renderTerminal } from '../lab/report/terminal.ts';
import { verdictSections } from '../lab/report/verdict-sections.ts';
import { prepareFolder } from '../node/output.ts';
import { labTraces } from '../node/package-files.ts';
import type { IovaStressResult } from '../sim/index.ts';
import { BadInput, complain, EXIT, type ExitCode, interruption } from './exit.ts';
import { footer, writeHtml, writeText } from './html-report.ts';
import { nameWidth, runLine, runName, threadLines } from './iova-stress-text.ts';
import { verdictsAgain } from './lab-verdicts.ts';
import { wholeNumber } from './options.ts';
import { createProgress } from './progress.ts';
import { replayFiles, replayResult } from './replay.ts';
import { print, printJson, screen } from './screen.ts';
import {
  problemsCode,
  runStressPlan,
  type StressFindings,
  type StressListeners,
  type StressPlan,
  tellProblems,
  wholeRuns,
} from './stress-plan.ts';

interface LabOptions {
  readonly out: string;
  readonly space: number;
  readonly json?: boolean;
  readonly color: boolean;
}

/** The document of `--json`, and report.json. */
export interface LabResult {
  readonly schema: 1;
  readonly command: 'lab';
  readonly claims: readonly Claim[];
  readonly verdicts: readonly LabVerdict[];
  readonly iovaStress: IovaStressResult;
  readonly replay: ReplayResult;
  readonly interrupted?: true | undefined;
}

const HELP = `
Replays the bundled traces of real kernels, runs the thread's benchmark over 16 TiB for every design (up to three times
with a flush at each unmap, once with queued flushes), judges each claim of the thread by what was measured, and shows the
stored verdicts of all built-in tests, a few of which it runs again. Takes less than two minutes on two cores.

Example:
  tablewalk lab --out report

Exit codes:
  0 done   1 a run failed, or a verdict is not the stored one   2 bad usage, or the report cannot be written   3 a bug in tablewalk
  130 interrupted: the report has what was measured so far`;

const ROUNDS = 3;
/** A slow machine makes fewer rounds, so that two minutes are enough. */
const BUDGET_SECONDS = 60;

export function defineLab(command: Command, done: (code: ExitCode) => void): void {
  command
    .option('--out <DIR>', 'where the report goes', 'report')
    .option('-s, --space <TIB>', 'IOVA space of the benchmark; the thread had 16', wholeNumber('-s', 1, 255), 16)
    .addHelpText('after', HELP)
    .action(async (options: LabOptions) => done(await runLab(options)));
}

async function runLab(options: LabOptions): Promise<ExitCode> {
  const problem = await prepareFolder(options.out, ['index.html', 'report.json']);
  if (problem !== null) throw new BadInput({ ...problem, place: `--out ${problem.place ?? ''}` });
  const signal = interruption();
  const say = (text: string): void => {
    if (options.json !== true) print(text);
  };
  const traces = labTraces();
  say(`Replaying ${traces.length} traces of real kernels through ${TABLE_RECLAIM.length} designs.\n`);
  const { files, errors } = await replayFiles(traces, (path) => basename(path), signal);
  for (const error of errors) complain(formatInputError(error));
  const stress = await benchmark(options.space, signal, say);
  tellProblems(stress.problems);
  if (!signal.aborted) say('\nRunning some of the built-in tests again.\n');
  const { verdicts, failed } = await verdictsAgain(signal);
  for (const message of failed) complain(message);
  const replay = replayResult(files);
  const result: LabResult = {
    schema: 1,
    command: 'lab',
    claims: threadClaims({ iovaStress: stress.result, seconds: stress.seconds, replay }),
    verdicts,
    iovaStress: stress.result,
    replay,
    ...(signal.aborted ? { interrupted: true } : {}),
  };
  await report(result, options, say);
  const failures = errors.length + failed.length;
  return (
    problemsCode(stress.problems) ?? (signal.aborted ? EXIT.interrupted : failures > 0 ? EXIT.bug : ended(verdicts))
  );
}

function ended(verdicts: readonly LabVerdict[]): ExitCode {
  return verdicts.every(({ again }) => again?.agrees !== false) ? EXIT.ok : EXIT.unexpected;
}

async function benchmark(space: number, signal: AbortSignal, say: (text: string) => void): Promise<StressFindings> {
  const designs = TABLE_RECLAIM.map((design) => design.name);
  const strict: StressPlan = {
    designs,
    modes: ['strict'],
    spaceTiB: space,
    dmaPages: [1],
    rounds: ROUNDS,
    budgetSeconds: BUDGET_SECONDS,
  };
  const width = nameWidth(designs, ['strict', 'lazy']);
  const progress = createProgress();
  say(
    `Running iova_stress over ${space} TiB, one process a design; times are medians of up to ${ROUNDS} runs, of one when queued.\n\n`,
  );
  say(threadLines(width));
  const listeners: StressListeners = {
    signal,
    progress: (job) => progress.show(`iova_stress: ${runName(job.design, job.mode)}`),
    kept: (outcomes) => {
      progress.clear();
      for (const { run, whole } of outcomes) if (whole) say(runLine(run, width, space));
    },
  };
  const one = await runStressPlan(strict, listeners);
  const two = await runStressPlan({ ...strict, modes: ['lazy'], rounds: 1 }, listeners);
  progress.clear();
  return {
    result: { ...one.result, runs: wholeRuns(one.result.runs, space), lazyRuns: wholeRuns(two.result.lazyRuns, space) },
    whole: one.whole && two.whole,
    seconds: one.seconds,
    problems: [...one.problems, ...two.problems],
  };
}

async function report(result: LabResult, options: LabOptions, say: (text: string) => void): Promise<void> {
  const more = verdictSections(result.verdicts);
  const page = withNotice(labPage({ ...result, more }, { footer: footer() }), result.interrupted === true);
  const [html, json] = [join(options.out, 'index.html'), join(options.out, 'report.json')];
  await writeHtml(html, page);
  await writeText(json, `${JSON.stringify(result)}\n`);
  if (options.json === true) printJson(result);
  const shown = { ...page, title: '', lede: [], sections: more, footer: [] };
  say(`\n${renderTerminal(shown, screen(options.color)).trim()}\n`);
  say(`\n${renderTerminal(claimsPage(page), screen(options.color))}\n`);
  say(`The whole report, with tables and charts: ${html}\nThe same as JSON: ${json}\n`);
  if (result.interrupted === true) complain('interrupted: the report has what was measured so far');
}

function withNotice(page: ReportPage, interrupted: boolean): ReportPage {
  if (!interrupted) return page;
  const items = [
    'The lab was interrupted. What it had not measured by then is missing, and its claims are not judged.',
  ];
  return { ...page, sections: [{ kind: 'notice', title: 'Incomplete', items }, ...page.sections] };
}

/** In the terminal the claims last: the lines above them have the benchmark and the verdicts, and the report has the rest. */
function claimsPage(page: ReportPage): ReportPage {
  const sections = page.sections.filter((section) => section.kind === 'claims');
  return { ...page, lede: page.lede.slice(1), sections, footer: [] };
}

/**
 * `tablewalk iova-stress`: the benchmark of the thread of December 2023 with its own flags, for every table-reclaim design,
 * with a flush at each unmap (as VFIO does it) and with queued flushes.
 */
import { type Command, Option } from 'commander';
import { TABLE_RECLAIM } from '../designs/index.ts';
import type { StressJob, StressOutcome, StressProgress } from '../node/stress-job.ts';
import { MIB_PAGES, stridePages, TIB_PAGES } from '../sim/index.ts';
import { complain, EXIT, type ExitCode, interruption } from './exit.ts';
import { nameWidth, runLine, runName, stressTables, threadLines, verboseLine } from './iova-stress-text.ts';
import { oneOf, someOf, wholeNumber } from './options.ts';
import { createProgress } from './progress.ts';
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

/** 512 GiB: whatever -s is, the last buffer then ends within the 256 TiB of 48-bit IOVAs. */
const MOST_MB = 524_288;
const designs = TABLE_RECLAIM.map((design) => design.name);

interface IovaStressOptions {
  readonly space: number;
  readonly dma?: number;
  readonly verbose?: boolean;
  readonly design: readonly string[];
  readonly mode: 'strict' | 'lazy' | 'both';
  readonly json?: boolean;
  readonly color: boolean;
}

const HELP = `
Each design and mode runs in a process of its own, one after the other: peak memory and compiled code are its own. Each
warms up with up to 20,000 pairs on tables that are thrown away, since the first figure of a JIT is not the design's.
Times are a model's: compare them with each other. Tables, locks and flushes are what the design would have in a kernel.
With -S, the second run starts at IOVA 0 again, in the tables that the first one left, as the original does; its counts
(pairs, tables allocated and freed, locks, flushes) are its own, its bytes are those of all tables.

Designs: ${designs.join(', ')}

Example:
  tablewalk iova-stress -s 16 --design never,refcount-rwlock,lazy-prune

Exit codes:
  0 done   1 a map or unmap failed, or a process was ended from outside   2 bad usage   3 a bug in tablewalk
  130 interrupted: what was measured so far is printed`;

export function defineIovaStress(command: Command, done: (code: ExitCode) => void): void {
  command
    .option('-s, --space <TIB>', 'IOVA space to go through, 1 to 255 TiB', wholeNumber('-s', 1, 255), 16)
    .option(
      '-S, --dma <MB>',
      `second run, with a buffer of that many MiB, 1 to ${MOST_MB}`,
      wholeNumber('-S', 1, MOST_MB, '512 GiB at most, so that the last buffer ends within 48-bit IOVAs'),
    )
    .option('-v, --verbose', 'one line a TiB (on stderr with --json)')
    .addOption(
      new Option('--design <NAMES>', 'designs, separated by commas, or all')
        .argParser(someOf('--design', designs))
        .default(designs, 'all'),
    )
    .option(
      '--mode <MODE>',
      'strict: flush at each unmap; lazy: queued; both',
      oneOf('--mode', ['strict', 'lazy', 'both']),
      'both',
    )
    .addHelpText('after', HELP)
    .action(async (options: IovaStressOptions) => done(await runIovaStress(options)));
}

async function runIovaStress(options: IovaStressOptions): Promise<ExitCode> {
  const plan: StressPlan = {
    designs: options.design,
    modes: options.mode === 'both' ? ['strict', 'lazy'] : [options.mode],
    spaceTiB: options.space,
    dmaPages: [1, ...(options.dma === undefined ? [] : [options.dma * MIB_PAGES])],
    rounds: 1,
  };
  const width = nameWidth(plan.designs, plan.modes);
  if (options.json !== true) print(threadLines(width));
  const findings = await runStressPlan(plan, listeners(options, width));
  report(findings, options);
  return problemsCode(findings.problems) ?? (findings.whole ? EXIT.ok : EXIT.interrupted);
}

function listeners(options: IovaStressOptions, width: number): StressListeners {
  const progress = createProgress();
  const json = options.json === true;
  let shown = '';
  return {
    signal: interruption(),
    progress: (job, at) => {
      progress.show(progressText(job, at, options.space));
      const line = verboseLine(job, at, width);
      if (options.verbose !== true || at.tib < 1 || line === shown) return;
      shown = line;
      progress.clear();
      if (json) process.stderr.write(line);
      else print(line);
    },
    kept: (outcomes) => {
      progress.clear();
      if (!json)
        print(outcomes.map((outcome) => runLine(outcome.run, width, spaceDone(outcome, options.space))).join(''));
    },
  };
}

function progressText(job: StressJob, at: StressProgress, space: number): string {
  return `${runName(job.design, job.mode)}: ${Math.min(space, Math.floor(at.tib))} of ${space} TiB`;
}

function spaceDone({ run, whole }: StressOutcome, space: number): number {
  return whole ? space : Math.floor((run.pairs * stridePages(run.dmaBytes / 4096)) / TIB_PAGES);
}

function report({ result, whole, problems }: StressFindings, options: IovaStressOptions): void {
  const runs = wholeRuns(result.runs, result.spaceTiB);
  const lazyRuns = wholeRuns(result.lazyRuns, result.spaceTiB);
  if (options.json === true) printJson(whole ? result : { ...result, interrupted: true });
  else if (runs.length + lazyRuns.length > 0) {
    print(`\n${stressTables({ ...result, runs, lazyRuns }, screen(options.color))}`);
  }
  tellProblems(problems);
  if (!whole && problems.length === 0) complain('interrupted: these are the runs so far');
}

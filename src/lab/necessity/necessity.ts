/**
 * What each step of a design is for: the design is taken apart by itself. One step at a time is left out, or done after its neighbour, and the
 * litmus tests that hold are run again. A step without which none of them falls is needed by nothing that is tested; a test that holds whatever is
 * left out says nothing of the design.
 *
 * Steps are those of the kernel and its designs that the tests come to, not of hardware, observers or tests. A step is left out everywhere that it is
 * come to. Two steps that stand in for each other are each needed by nothing.
 */
import { type CheckTest, type Counterexample, explain, type Verdict, type Violation } from '../../check/index.ts';
import type { MatrixEntry } from '../litmus/scenario.ts';
import type { Apart, Site } from './apart.ts';
import { type Pair, pairsOf } from './pairs.ts';

/** What became of a test without a step; `refused`: the model itself could not go on. */
export type Outcome = Verdict | 'refused';

export interface Run {
  readonly verdict: Outcome;
  /** Of the verdict: what is violated, what never happens, why it was refused. */
  readonly message: string;
  readonly executions: number;
  /** Steps of all executions. */
  readonly steps: number;
  readonly violation: Violation | null;
}

/** Runs a test on the copy as it is now. `executions`: at most; none: to its end. `shorten`: its counterexample is made short. */
export type Runner = (
  test: CheckTest,
  limits: { readonly executions?: number; readonly shorten: boolean },
) => Promise<Run>;

/** A test that falls without a step. */
export interface Fall extends Pick<Run, 'verdict' | 'message' | 'executions'> {
  readonly test: string;
  readonly counterexample: Counterexample | null;
  /** What the step stands against, in the counterexample. */
  readonly pairs: readonly Pair[];
}

/**
 * `needed`: without it a test is violated. `for progress`: without it something never happens that must be possible. `by the code`: without it
 * the model itself cannot go on, which says nothing of the design. `by nothing`: all tests that come to it hold without it. `bounded`: some were
 * not run, or not explored to their end, and none of the others fell. `untried`: only tests of another memory model come to it.
 */
export type Need = 'needed' | 'for progress' | 'by the code' | 'by nothing' | 'bounded' | 'untried';

export interface StepReport {
  readonly site: Site;
  readonly need: Need;
  readonly fall: Fall | null;
  /** Tests that come to it. */
  readonly tests: number;
}

export interface TestReport {
  readonly name: string;
  readonly verdict: Outcome;
  readonly executions: number;
  /** Steps that it comes to. */
  readonly steps: number;
  /** A step without which it falls; null: there is none, and it says nothing. */
  readonly fallsWithout: Site | null;
}

export interface NecessityReport {
  readonly design: string;
  readonly steps: readonly StepReport[];
  /** Calls and stores that were not left out. */
  readonly notRun: number;
  /** It was not ended before its time. */
  readonly isWhole: boolean;
  /** Tests that hold, and were run again. */
  readonly tests: readonly TestReport[];
  /** Tests that do not hold as it is: nothing can be said by them. */
  readonly leftOut: readonly { readonly name: string; readonly verdict: Outcome }[];
}

/** Executions of a test without a step, for each that it has with all. A step that keeps threads apart leaves many more when it is gone. */
const MORE = 20;
const AT_LEAST = 2000;

/**
 * What a function is there for, and not what keeps threads apart: tests of safety rarely miss it. Left out only where all is asked for.
 */
const WORK: ReadonlySet<Site['kind']> = new Set(['call', 'store']);

export interface NecessityOptions {
  /** Also the calls and stores that do what a function is there for. */
  readonly all: boolean;
  /** How many steps the checker makes, in all tests together, for what is left out; what is not explored then is not. */
  readonly effort: number;
  /** Asked before each test: what is known by then is all that is wanted. */
  readonly isEnough: () => boolean;
  /** How far it is. */
  readonly tell: (done: number, of: number, what: string) => void;
}

/** A step that may matter under a store buffer alone. */
const TSO_ONLY: ReadonlySet<Site['kind']> = new Set(['fence', 'locked']);

interface Known {
  readonly entry: MatrixEntry;
  readonly test: CheckTest;
  readonly executions: number;
  readonly steps: number;
  readonly sites: ReadonlySet<number>;
  fallsWithout: number | null;
  /** Sites that it was run without. */
  readonly tried: Set<number>;
}

export class Necessity {
  private readonly apart: Apart;
  private readonly run: Runner;
  private readonly options: NecessityOptions;

  constructor(apart: Apart, run: Runner, options: NecessityOptions) {
    this.apart = apart;
    this.run = run;
    this.options = options;
  }

  /** `entries`: tests of one design. */
  async of(design: string, entries: readonly MatrixEntry[]): Promise<NecessityReport> {
    const { all, isEnough, tell } = this.options;
    const known: Known[] = [];
    const leftOut: { name: string; verdict: Outcome }[] = [];
    for (const [nth, entry] of entries.entries()) {
      if (isEnough()) break;
      tell(nth, entries.length, `${entry.name}, with all steps`);
      const { run, sites, test } = await this.whole(entry);
      if (run.verdict !== 'holds') leftOut.push({ name: entry.name, verdict: run.verdict });
      else
        known.push({
          entry,
          test,
          executions: run.executions,
          steps: run.steps,
          sites,
          fallsWithout: null,
          tried: new Set(),
        });
    }
    known.sort((a, b) => a.steps - b.steps);
    const comeTo = [...new Set(known.flatMap(({ sites }) => [...sites]))].sort((a, b) => a - b);
    const chosen = comeTo.filter((site) => all || !WORK.has(this.apart.sites[site]!.kind));
    const steps: StepReport[] = [];
    for (const [nth, site] of chosen.entries()) {
      if (isEnough()) break;
      tell(nth, chosen.length, `without ${this.apart.sites[site]!.text}`);
      steps.push(await this.without(site, known));
    }
    const notRun = comeTo.length - chosen.length;
    const isWhole = !isEnough();
    if (isWhole) await this.lookForFalls(known, chosen, steps);
    return { design, steps, notRun, isWhole, tests: known.map((own) => this.testReport(own)), leftOut };
  }

  private async whole(entry: MatrixEntry): Promise<{ run: Run; sites: ReadonlySet<number>; test: CheckTest }> {
    const { apart } = this;
    const test = entry.testOn(apart.base, (own) => apart.twin(own));
    apart.leaveOut(null);
    apart.seen();
    const run = await this.run(test, { shorten: false });
    return { run, sites: apart.seen(), test };
  }

  /** All tests that come to a step, the small ones first, up to one that is violated without it. */
  private async without(site: number, known: readonly Known[]): Promise<StepReport> {
    const own = this.apart.sites[site]!;
    const coming = known.filter(({ sites }) => sites.has(site));
    const fit = coming.filter(({ test }) => !TSO_ONLY.has(own.kind) || test.memory === 'tso');
    let fall: Fall | null = null;
    let bounded = false;
    let { effort } = this.options;
    for (const test of fit) {
      if (effort <= 0 || this.options.isEnough()) {
        bounded = true;
        break;
      }
      const run = await this.runWithout(site, test, effort, true);
      effort -= run.steps;
      if (run.verdict === 'bounded') bounded = true;
      if (run.verdict === 'holds' || run.verdict === 'bounded') continue;
      if (run.verdict !== 'refused') test.fallsWithout ??= site;
      if (run.verdict === 'violated') {
        fall = this.told(site, test, run);
        break;
      }
      fall ??= { ...told(run), test: test.entry.name, counterexample: null, pairs: [] };
      // The others would not go on either.
      if (run.verdict === 'refused') break;
    }
    return { site: own, need: needOf(fall, bounded, fit.length), fall, tests: coming.length };
  }

  private async runWithout(site: number, known: Known, effort: number, shorten: boolean): Promise<Run> {
    const { executions, steps, test, tried } = known;
    tried.add(site);
    this.apart.leaveOut(site);
    const most = Math.min(Math.max(AT_LEAST, MORE * executions), Math.ceil((effort * executions) / steps));
    const run = await this.run(test, { executions: most, shorten });
    this.apart.leaveOut(null);
    return run;
  }

  /** The counterexample, and what the step stands against in it. */
  private told(site: number, known: Known, run: Run): Fall {
    const { apart } = this;
    let step = -1;
    const gone: number[] = [];
    apart.leaveOut(site, () => gone.push(step));
    const counterexample = explain(known.test, run.violation!, (next) => {
      step = next;
    });
    apart.leaveOut(null);
    return {
      ...told(run),
      test: known.entry.name,
      counterexample,
      pairs: pairsOf(counterexample, gone, apart.sites[site]!.kind === 'lock'),
    };
  }

  /** Tests that did not fall yet are run without the other steps that they come to: those first that another test needed. */
  private async lookForFalls(
    known: readonly Known[],
    all: readonly number[],
    steps: readonly StepReport[],
  ): Promise<void> {
    const matters = new Set(all.filter((_, nth) => ['needed', 'for progress'].includes(steps[nth]!.need)));
    for (const test of known) {
      if (test.fallsWithout !== null) continue;
      const left = [...test.sites].filter((site) => matters.has(site) && !test.tried.has(site));
      for (const [nth, site] of left.entries()) {
        if (this.options.isEnough()) return;
        this.options.tell(nth, left.length, `${test.entry.name}, without ${this.apart.sites[site]!.text}`);
        const { verdict } = await this.runWithout(site, test, this.options.effort, false);
        if (verdict !== 'violated' && verdict !== 'unreachable') continue;
        test.fallsWithout = site;
        break;
      }
    }
  }

  private testReport({ entry, executions, fallsWithout, sites }: Known): TestReport {
    const site = fallsWithout === null ? null : this.apart.sites[fallsWithout]!;
    return { name: entry.name, verdict: 'holds', executions, steps: sites.size, fallsWithout: site };
  }
}

const NEED_OF: Readonly<Partial<Record<Outcome, Need>>> = { violated: 'needed', unreachable: 'for progress' };

function told({ executions, message, verdict }: Run): Pick<Fall, 'verdict' | 'message' | 'executions'> {
  return { executions, message, verdict };
}

function needOf(fall: Fall | null, bounded: boolean, fit: number): Need {
  if (fit === 0) return 'untried';
  if (fall !== null) return NEED_OF[fall.verdict] ?? 'by the code';
  return bounded ? 'bounded' : 'by nothing';
}

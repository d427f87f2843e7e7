/**
 * The checker: executions a second on programs with known counts, beside Nidhugg's, and what a second worker brings.
 *
 * Nidhugg's figures are from one machine like the one that ours were taken on (2-core AMD EPYC, clang 14, the faster of --optimal
 * and --source, some 0.1 s of start-up included); it does not run here, so that column is not measured in this run.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check } from '../src/check/index.ts';
import { COUNTED, testOf } from '../test/check/programs/index.ts';
import { machineLine } from './format.ts';
import { summarize } from './stats.ts';

/** Program, size, executions, and executions a second of Nidhugg. */
const PROGRAMS: readonly (readonly [name: string, size: number, count: number, nidhugg: number])[] = [
  ['readers', 15, 32_768, 5200],
  ['lastwrite', 8, 40_320, 14_800],
  ['floating_read', 8, 362_880, 13_400],
  ['lamport', 2, 25_828, 13_700],
  ['lastzero', 10, 3328, 7200],
  ['casw', 4, 1200, 9200],
  ['casrot', 7, 523, 5200],
  ['indexer', 14, 512, 660],
  ['dekker', 2, 1599, 9400],
  ['sva', 2, 60, 375],
];
const TURNS = 5;
const AIM = 4;

export function benchCheck(say: (text: string) => void): void {
  say(`\n== the checker: executions a second, ${TURNS} turns (${machineLine()})`);
  say('program             executions   k/s  (min to max)      M steps/s   Nidhugg k/s   ratio (aim 4)');
  for (const row of PROGRAMS) say(measure(...row));
  benchWorkers(say);
}

function measure(name: string, size: number, count: number, nidhugg: number): string {
  const program = COUNTED.find((one) => one.name === name);
  if (program === undefined) throw new Error(`no program is called ${name}`);
  const test = testOf(program, size);
  const rates: number[] = [];
  let steps = 0;
  for (let turn = 0; turn < TURNS; turn++) {
    // Small programs many times over, so that the clock has something to measure.
    const rounds = Math.max(1, Math.round(20_000 / count));
    const start = performance.now();
    let made = 0;
    for (let round = 0; round < rounds; round++) {
      const result = check(test);
      if (result.executions !== count || result.blocked !== 0)
        throw new Error(`${name}: ${result.executions} executions`);
      made += result.steps;
    }
    const seconds = (performance.now() - start) / 1000;
    rates.push((count * rounds) / seconds / 1000);
    steps = Math.max(steps, made / seconds / 1e6);
  }
  const { median, min, max } = summarize(rates);
  const ratio = (1000 * median) / nidhugg;
  const spread = `(${min.toFixed(1)} to ${max.toFixed(1)})`;
  return `${`${name}(${size})`.padEnd(18)} ${String(count).padStart(11)} ${median.toFixed(1).padStart(6)} ${spread.padEnd(19)} ${steps.toFixed(1).padStart(6)} ${(nidhugg / 1000).toFixed(1).padStart(13)} ${ratio.toFixed(1).padStart(8)}${ratio < AIM ? '  below the aim' : ''}`;
}

/** Long explorations by the command itself, on one thread and on two, in turns. */
function benchWorkers(say: (text: string) => void): void {
  const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
  say('\nworkers: seconds by the command, one and two (aim 1.7)');
  for (const name of ['floating_read 9', 'readers 18']) {
    const seconds = new Map<number, number[]>([
      [1, []],
      [2, []],
    ]);
    const counts = new Set<number>();
    for (let turn = 0; turn < 3; turn++) {
      for (const [workers, times] of seconds) {
        const args = [
          join(root, 'dist/cli/main.js'),
          'check',
          join(root, 'bench/workers.tests.ts'),
          '-t',
          name,
          '--json',
        ];
        const done = spawnSync(process.execPath, [...args, '--workers', String(workers)], { encoding: 'utf8' });
        if (done.status !== 0) throw new Error(`${name} with ${workers} workers: ${done.stderr}`);
        const [result] = (JSON.parse(done.stdout) as { results: { seconds: number; executions: number }[] }).results;
        times.push(result!.seconds);
        counts.add(result!.executions);
      }
    }
    const one = summarize(seconds.get(1)!).median;
    const two = summarize(seconds.get(2)!).median;
    const same = counts.size === 1 ? `${[...counts][0]} executions in all` : `COUNTS DIFFER: ${[...counts].join(', ')}`;
    say(
      `${name.padEnd(16)} ${one.toFixed(2)} s, ${two.toFixed(2)} s: ${(one / two).toFixed(2)} times as fast; ${same}`,
    );
  }
}

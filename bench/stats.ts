/**
 * Statistics over the rounds of a benchmark. Quantiles interpolate linearly between the two nearest rounds (type 7 of
 * Hyndman and Fan). Shared machines have slow rounds and no fast ones, so everything reported is a median with quartiles.
 */

import { assert } from '../src/base/assert.ts';

export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Third quartile minus first. */
  readonly interquartileSpread: number;
}

export interface RatioSummary {
  /** Median of the one divided by median of the other. */
  readonly ratio: number;
  /** Quartiles and extremes of the ratios round by round. */
  readonly low: number;
  readonly high: number;
  readonly min: number;
  readonly max: number;
}

/** The value below which `fraction` (0 to 1) of the values lie. */
export function quantile(values: readonly number[], fraction: number): number {
  assert(values.length > 0, 'a benchmark was summarised before its first round');
  assert(fraction >= 0 && fraction <= 1, () => `quantile ${fraction} is not in 0 to 1`);
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * fraction;
  const below = sorted[Math.floor(position)]!;
  const above = sorted[Math.ceil(position)]!;
  return below + (above - below) * (position - Math.floor(position));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function interquartileSpread(values: readonly number[]): number {
  return quantile(values, 0.75) - quantile(values, 0.25);
}

export function summarize(values: readonly number[]): Summary {
  return {
    median: median(values),
    min: quantile(values, 0),
    max: quantile(values, 1),
    interquartileSpread: interquartileSpread(values),
  };
}

/**
 * How many times the one is of the other. Round n of both must have run next to each other (interleaved), so that a
 * machine that was slow for a while was slow for both: the spread is over the ratios of such pairs.
 */
export function ratioOfMedians(numerator: readonly number[], denominator: readonly number[]): RatioSummary {
  const paired = pairedRatios(numerator, denominator);
  return { ratio: median(numerator) / median(denominator), ...spreadOf(paired) };
}

/** Of positive values only. */
export function geometricMean(values: readonly number[]): number {
  assert(values.length > 0, 'a geometric mean over no workload');
  let logarithms = 0;
  for (const value of values) {
    assert(value > 0, () => `${value} in a geometric mean: a workload was timed as taking no time at all`);
    logarithms += Math.log(value);
  }
  return Math.exp(logarithms / values.length);
}

/**
 * Geometric mean over workloads of the ratio of medians; its spread is over the rounds, each with its own geometric mean.
 * Both lists are by workload, then by round.
 */
export function geometricMeanRatio(
  numerators: readonly (readonly number[])[],
  denominators: readonly (readonly number[])[],
): RatioSummary {
  assert(numerators.length === denominators.length, 'the two sides of a ratio have different workloads');
  const byWorkload = numerators.map((rounds, i) => pairedRatios(rounds, denominators[i]!));
  const rounds = byWorkload[0]?.length ?? 0;
  assert(
    byWorkload.every((ratios) => ratios.length === rounds),
    'some workloads have more rounds than others',
  );
  const byRound = Array.from({ length: rounds }, (_, r) => geometricMean(byWorkload.map((ratios) => ratios[r]!)));
  const ratio = geometricMean(numerators.map((values, i) => median(values) / median(denominators[i]!)));
  return { ratio, ...spreadOf(byRound) };
}

function pairedRatios(numerator: readonly number[], denominator: readonly number[]): number[] {
  assert(numerator.length === denominator.length, 'the two sides of a ratio have different numbers of rounds');
  return numerator.map((value, round) => {
    assert(denominator[round]! > 0, 'a round was timed as taking no time at all');
    return value / denominator[round]!;
  });
}

function spreadOf(ratios: readonly number[]): Omit<RatioSummary, 'ratio'> {
  return {
    low: quantile(ratios, 0.25),
    high: quantile(ratios, 0.75),
    min: quantile(ratios, 0),
    max: quantile(ratios, 1),
  };
}

/**
 * The VT-d unit: IOTLB hits, and invalidate-all with the walk after it, millions a second on one core; each mode in a process of its own,
 * as a machine has one. The aims are what the RISC-V IOMMU reference model, in C at -O2, does on a machine of this kind; it has no
 * paging-structure caches and does not run here.
 */
import { machineLine } from './format.ts';
import { summarize } from './stats.ts';

const MODES = ['legacy', 'second stage', 'first stage'] as const;

/** `run`: rates that a child process measures. */
export function benchVtd(say: (text: string) => void, run: (...args: string[]) => readonly number[]): void {
  const rate = (...args: string[]): string => {
    const { max, median, min } = summarize(run(...args));
    return `${median.toFixed(1).padStart(6)} M/s (${min.toFixed(1)} to ${max.toFixed(1)})`;
  };
  say(`\n== VT-d unit, one core (${machineLine()})`);
  say('IOTLB hits (aim 38)');
  for (const mode of MODES) say(`  ${mode.padEnd(14)} ${rate('hits', mode, 'all')}`);
  say('invalidate-all, then a walk of four levels (aim 6.9, of a model without paging-structure caches)');
  for (const mode of MODES) {
    const without = rate('walks', mode, 'none');
    say(`  ${mode.padEnd(14)} ${without}   with paging-structure caches ${rate('walks', mode, 'all')}`);
  }
}

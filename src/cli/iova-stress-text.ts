/** What iova-stress prints for people: lines in the shape of the original's, then tables beside the thread's figures. */
import { iovaStressSections, threadBase, threadPatched, threadSpaceTiB } from '../lab/report/iova-stress-sections.ts';
import { isEmptyTable, type ReportPage } from '../lab/report/page.ts';
import { renderTerminal, type TerminalOptions } from '../lab/report/terminal.ts';
import type { StressJob, StressProgress } from '../node/stress-job.ts';
import type { IovaStressResult, IovaStressRun } from '../sim/index.ts';

const MIB = 2 ** 20;

/** A design and mode as the lines call it. */
export function runName(design: string, mode: StressJob['mode']): string {
  return mode === 'strict' ? design : `${design}, lazy`;
}

/** The original's line: printf "dma_size: %7ldK iova space: %ldT iommu: ~%7ldM time: %4ld.%03lds". */
export function originalLine(
  name: string,
  nameWidth: number,
  dmaBytes: number,
  tib: number,
  tableBytes: number,
  seconds: number,
): string {
  const milliseconds = Math.round(seconds * 1000);
  const dma = String(Math.floor(dmaBytes / 1024)).padStart(7);
  const tables = String(Math.floor(tableBytes / MIB)).padStart(7);
  const whole = String(Math.floor(milliseconds / 1000)).padStart(4);
  const rest = String(milliseconds % 1000).padStart(3, '0');
  return `${name.padEnd(nameWidth)}  dma_size: ${dma}K iova space: ${tib}T iommu: ~${tables}M time: ${whole}.${rest}s\n`;
}

/** The two lines of the thread, for those below to be read against. */
export function threadLines(nameWidth: number): string {
  return [threadBase, threadPatched]
    .map((run) => originalLine(run.label, nameWidth, 4096, threadSpaceTiB, run.tableBytes, run.seconds))
    .join('');
}

/** `tib` is less than asked for when the run was stopped. */
export function runLine(run: IovaStressRun, nameWidth: number, tib: number): string {
  return originalLine(runName(run.design, run.mode), nameWidth, run.dmaBytes, tib, run.tableBytesEnd, run.seconds);
}

/** One line a TiB: the original's "iova space: %5ldT\tfree memory: …", with the memory that tables hold. */
export function verboseLine(job: StressJob, progress: StressProgress, nameWidth: number): string {
  const tib = String(Math.floor(progress.tib)).padStart(5);
  const tables = String(Math.floor(progress.tableBytes / MIB)).padStart(7);
  return `${runName(job.design, job.mode).padEnd(nameWidth)}  iova space: ${tib}T\ttable memory: ${tables}M\n`;
}

/** Wide enough for all names of the lines. */
export function nameWidth(designs: readonly string[], modes: readonly StressJob['mode'][]): number {
  const names = designs.flatMap((design) => modes.map((mode) => runName(design, mode)));
  return Math.max(...[threadBase.label, threadPatched.label, ...names].map((name) => name.length));
}

/** Bars repeat what the lines have said: tables only, and those that have rows. */
export function stressTables(result: IovaStressResult, options: TerminalOptions): string {
  const sections = iovaStressSections(result).filter(
    (section) => section.kind !== 'bar-chart' && !(section.kind === 'table' && isEmptyTable(section)),
  );
  const page: ReportPage = { kicker: '', title: '', lede: [], sections, footer: [] };
  return renderTerminal(page, options);
}

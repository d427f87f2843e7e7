/** Counts of the trace's maps and unmaps that need no live mappings: sizes, tasks, and what could not be replayed. All bounded. */
import { pageAddress } from '../../base/brands.ts';
import type { IommuRecord, SkippedLines, TraceTask } from '../../trace/index.ts';
import type { ReplayFile, SizeCount } from './result.ts';

const TOP_SIZES = 32;
const TOP_TASKS = 20;
/** Different sizes that are told apart. */
const MAX_SIZES = 4096;

export class TraceCounts {
  maps = 0;
  unmaps = 0;
  unmapsSizeDiffers = 0;
  skippedMaps = 0;
  skippedUnmaps = 0;
  readonly #sizes = new Map<number, number>();
  readonly #mapsOf: number[] = [];
  readonly #unmapsOf: number[] = [];
  readonly #skipped = new Map<string, { reason: string; count: number; example: string; line: number }>();

  map({ pages, taskId }: IommuRecord): void {
    this.maps++;
    const count = this.#sizes.get(pages);
    if (count !== undefined) this.#sizes.set(pages, count + 1);
    else if (this.#sizes.size < MAX_SIZES) this.#sizes.set(pages, 1);
    this.#mapsOf[taskId] = (this.#mapsOf[taskId] ?? 0) + 1;
  }

  unmap({ pages, unmappedPages, taskId }: IommuRecord): void {
    this.unmaps++;
    if (pages !== unmappedPages) this.unmapsSizeDiffers++;
    this.#unmapsOf[taskId] = (this.#unmapsOf[taskId] ?? 0) + 1;
  }

  /** An event that was understood and cannot be replayed. */
  skip(kind: 'map' | 'unmap', reason: string, record: IommuRecord): void {
    if (kind === 'map') this.skippedMaps++;
    else this.skippedUnmaps++;
    const known = this.#skipped.get(reason);
    if (known === undefined) {
      this.#skipped.set(reason, { reason, count: 1, example: eventText(kind, record), line: record.line });
    } else known.count++;
  }

  /** These and the parser's, largest count first. */
  skipped(lines: readonly SkippedLines[]): SkippedLines[] {
    return [...lines, ...this.#skipped.values()].sort((a, b) => b.count - a.count || a.line - b.line);
  }

  mapSizes(): { mapSizes: SizeCount[]; mapSizesOther: number } {
    const sizes = [...this.#sizes].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, TOP_SIZES);
    const mapSizes = sizes.map(([pages, count]) => ({ bytes: pages * 4096, count }));
    return { mapSizes, mapSizesOther: this.maps - mapSizes.reduce((sum, { count }) => sum + count, 0) };
  }

  topTasks(tasks: readonly TraceTask[]): ReplayFile['topTasks'] {
    return tasks
      .map(({ comm, pid }, id) => ({
        task: pid === null ? comm : `${comm}-${pid}`,
        maps: this.#mapsOf[id] ?? 0,
        unmaps: this.#unmapsOf[id] ?? 0,
      }))
      .filter(({ task, maps, unmaps }) => task !== '' && maps + unmaps > 0)
      .sort((a, b) => b.maps + b.unmaps - a.maps - a.unmaps)
      .slice(0, TOP_TASKS);
  }
}

function eventText(kind: 'map' | 'unmap', { iovaPfn, paddrPfn, pages, unmappedPages }: IommuRecord): string {
  const end = kind === 'map' ? `paddr=${pageAddress(paddrPfn)}` : `unmapped_size=${BigInt(unmappedPages) * 4096n}`;
  return `${kind}: iova=${pageAddress(iovaPfn)} size=${BigInt(pages) * 4096n} ${end}`;
}

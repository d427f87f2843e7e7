/** What commands that read files have in common. */
import { STANDARD_INPUT } from '../node/input.ts';
import { BadInput } from './exit.ts';

/** @throws BadInput when standard input is named more than once. */
export function checkInputs(paths: readonly string[]): void {
  if (paths.filter((path) => path === STANDARD_INPUT).length <= 1) return;
  throw new BadInput({ code: 'twice', place: STANDARD_INPUT, message: 'standard input can be read only once' });
}

/** How far a file has been read; `total`: its bytes, where it has a size. */
export function readingText(name: string, bytes: number, total: number | null): string {
  const done =
    total === null ? `${Math.floor(bytes / 2 ** 20)} MiB` : `${Math.min(100, Math.floor((100 * bytes) / total))} %`;
  return `${name}: ${done} read`;
}

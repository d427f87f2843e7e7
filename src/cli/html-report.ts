/** Pages written as HTML files. */
import { renderHtml } from '../lab/report/html.ts';
import type { ReportPage } from '../lab/report/page.ts';
import { writeOutput } from '../node/output.ts';
import { chartAssets, packageVersion } from '../node/package-files.ts';
import { BadInput } from './exit.ts';

/** Who made a page, and on what. */
export function footer(): string {
  return `Made by tablewalk ${packageVersion()} on Node ${process.versions.node}, ${process.platform} ${process.arch}.`;
}

/** @throws BadInput when the file cannot be written. */
export async function writeHtml(path: string, page: ReportPage): Promise<void> {
  await writeText(path, renderHtml(page, chartAssets()));
}

/** @throws BadInput when the file cannot be written. */
export async function writeText(path: string, text: string): Promise<void> {
  const written = await writeOutput(path, text);
  if (!written.ok) throw new BadInput(written.error);
}

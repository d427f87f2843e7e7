/** Every format with each number of levels that it has. */
import type { PageTableFormat } from '../../src/hw/pt/format.ts';
import { VTD_SECOND_STAGE } from '../../src/hw/pt/formats/vtd-second-stage.ts';
import { X86_64 } from '../../src/hw/pt/formats/x86-64.ts';

export interface FormatWithLevels {
  readonly format: PageTableFormat;
  readonly levels: number;
}

export const FORMATS: readonly FormatWithLevels[] = [X86_64, VTD_SECOND_STAGE].flatMap((format) =>
  format.levels.map((levels) => ({ format, levels })),
);

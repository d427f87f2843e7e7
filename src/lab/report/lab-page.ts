/** The report of `lab`: the claims of the thread beside our measurements, its benchmark, and the replay of real traces. */
import type { IovaStressResult } from '../../sim/workloads/iova-stress-result.ts';
import type { ReplayResult } from '../replay/result.ts';
import { iovaStressSections, threadLink } from './iova-stress-sections.ts';
import type { Claim, ReportPage, Section } from './page.ts';
import { type PageOptions, replaySections } from './replay-page.ts';

export interface LabFindings {
  readonly claims: readonly Claim[];
  readonly iovaStress: IovaStressResult;
  readonly replay: ReplayResult;
  /** Further chapters, put before the replay; each begins with a heading of level 2. */
  readonly more?: readonly Section[];
}

export function labPage(findings: LabFindings, options: PageOptions = {}): ReportPage {
  return {
    kicker: 'tablewalk lab',
    title: 'May an unmap free the page tables that it emptied?',
    lede: [
      [
        'In December 2023 a ',
        { link: threadLink, text: 'patch series' },
        ' proposed that the Intel IOMMU driver free empty page tables on unmap, and a mailing-list thread argued about it; ',
        'tablewalk runs every design of that argument, through the thread’s own benchmark and through traces of real kernels.',
      ],
      [
        'Times are those of a model on this machine and not of a kernel, so compare ratios; table memory and counts of tables, ',
        'locks and flushes are those that the design would have in a kernel.',
      ],
    ],
    sections: [
      { kind: 'heading', level: 2, text: 'What the thread said, what we measured' },
      { kind: 'claims', caption: 'The claims of the thread', claims: findings.claims, empty: 'No claim was tested.' },
      { kind: 'heading', level: 2, text: 'The thread’s benchmark: iova_stress' },
      ...iovaStressSections(findings.iovaStress),
      ...(findings.more ?? []),
      { kind: 'heading', level: 2, text: 'Real traces, replayed' },
      ...demoted(replaySections(findings.replay)),
    ],
    footer: [options.footer ?? 'Made by tablewalk.'],
  };
}

/** One level down: the files of the replay become parts of a chapter. */
function demoted(sections: readonly Section[]): readonly Section[] {
  return sections.map((section) =>
    section.kind === 'heading' ? { ...section, level: section.level === 2 ? 3 : 4 } : section,
  );
}

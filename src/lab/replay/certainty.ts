/** How sure the domain inference is, in a number and in words. */
import { assert } from '../../base/assert.ts';
import type { InferredDomains } from './domains.ts';
import type { DomainInference } from './result.ts';

export class UnmapCounts {
  neverMapped = 0;
  partlyMapped = 0;
  ambiguous = 0;
  acrossDomains = 0;
  endingSeveralMaps = 0;
  endingPartOfAMap = 0;
  /** Unmaps that were whole in one domain and live in no other, by the lowest `overlaps` of the mappings they ended. */
  readonly byOverlaps: number[] = [];
}

/**
 * The domain of a map was the only possible one when every other inferred domain held a page of its range; that of an
 * unmap when all its pages were live there and nowhere else, and the domain of each mapping it ended was the only
 * possible one. With a single domain that is true of all events.
 */
export function judge(
  domains: InferredDomains,
  unmaps: UnmapCounts,
  unmapEvents: number,
  gaps: number,
): DomainInference {
  const inferred = domains.list.length;
  const events = domains.mapsByOverlaps.reduce((sum, count) => sum + count, 0) + unmapEvents;
  const forced = (domains.mapsByOverlaps[inferred - 1] ?? 0) + (unmaps.byOverlaps[inferred - 1] ?? 0);
  const certainty = inferred < 2 ? 1 : forced / events;
  assert(certainty <= 1, 'more events were certain than there were: a map or unmap was counted twice');
  return {
    inferred,
    atLeast: domains.depth,
    certainty,
    ambiguousUnmaps: unmaps.ambiguous,
    unmapsAcrossDomains: unmaps.acrossDomains,
    explanation: explain(inferred, domains.depth, unmaps, gaps),
  };
}

const NO_NAMES = 'iommu:map and iommu:unmap name neither device nor domain.';

function explain(inferred: number, atLeast: number, unmaps: UnmapCounts, gaps: number): string {
  if (inferred === 0) return 'The trace shows no mapping.';
  if (inferred === 1) {
    return (
      `${NO_NAMES} No map met a live mapping of the same IOVA, so nothing in the trace contradicts a single domain. ` +
      'That is no proof: domains whose IOVAs never meet look the same.'
    );
  }
  const found = inferred > atLeast ? `; taking the first with room needed ${inferred}` : '';
  const sentences = [
    `${NO_NAMES} Up to ${atLeast} mappings of one IOVA were live at once, so there were at least ${atLeast} domains${found}.`,
    'Each map went to the first domain that had its IOVA free. That was forced only where every other domain held a ' +
      'mapping of that IOVA: those events, and the unmaps of such mappings, are the share given. All others could belong to ' +
      'another domain, seen or unseen, so several real domains may share one simulated page table, or one be spread over several.',
  ];
  if (unmaps.acrossDomains > 0) {
    sentences.push(
      `${unmaps.acrossDomains} unmaps found their pages in more than one domain: their mappings were of one.`,
    );
  }
  if (gaps > 0)
    sentences.push('Events were lost, and a lost unmap looks like a further domain: the least number is not proven.');
  return sentences.join(' ');
}

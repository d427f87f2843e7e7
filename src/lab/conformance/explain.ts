/** The fewest deviations that turn our answer to an access into theirs. */
import type { SparseMemory } from '../../hw/index.ts';
import { type Context, DEVIATIONS } from './deviations.ts';
import type { DmaOutcome, GoldenCase } from './golden.ts';
import { type Access, sameOutcome, type Trial, tryAccess } from './trial.ts';

const MOST = 4;

interface Node {
  readonly used: readonly string[];
  readonly trial: Trial;
  readonly outcome: DmaOutcome;
  readonly patches: ReadonlyMap<bigint, bigint>;
}

export interface Explanation {
  readonly deviations: readonly string[];
  /** The access as it was with those. */
  readonly trial: Trial;
}

/** `memory`: as it was at the access. Null: nothing that has a name explains it. */
export function explain(
  golden: GoldenCase,
  memory: SparseMemory,
  access: Access,
  ours: DmaOutcome,
  theirs: DmaOutcome,
  context: Context,
): Explanation | null {
  const patches = new Map<bigint, bigint>();
  const straight = tryAccess(golden, memory, access, patches);
  // An answer that came from a cache says nothing of the entries as they are now.
  const isWalked = sameOutcome(straight.outcome, ours);
  const deviations = isWalked ? DEVIATIONS : DEVIATIONS.filter(({ isReport }) => isReport === true);
  let nodes: Node[] = [{ used: [], trial: straight, outcome: ours, patches }];
  for (let count = 0; count < MOST; count++) {
    const next: Node[] = [];
    for (const node of nodes) {
      for (const { id, vary } of deviations) {
        if (node.used.includes(id)) continue;
        const variation = vary(node.trial, node.outcome, context);
        if (variation === null) continue;
        const used = [...node.used, id];
        if ('outcome' in variation) {
          next.push({ ...node, used, outcome: variation.outcome });
        } else {
          const patched = new Map([...node.patches, ...variation.patches]);
          const trial = tryAccess(golden, memory, access, patched);
          next.push({ used, trial, outcome: trial.outcome, patches: patched });
        }
        const made = next[next.length - 1]!;
        if (sameOutcome(made.outcome, theirs)) return { deviations: used, trial: made.trial };
      }
    }
    nodes = next;
  }
  return null;
}

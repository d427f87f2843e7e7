/**
 * The copy of the kernel and its designs in which each step can be left out (tools/apart.mjs makes it beside the built layers). It is loaded by who
 * asks for it: everything else runs on the models as they are.
 */
import type { KernelDesign } from '../../designs/index.ts';
import type { KernelFunctions } from '../../kernel/index.ts';

/** What is left out, or changed, at a place of the source. */
export type SiteKind =
  | 'fence'
  | 'locked'
  | 'lock'
  | 'guard'
  | 'flush'
  | 'reference'
  | 'swap'
  | 'wait'
  | 'call'
  | 'call-back'
  | 'store';

export interface Site {
  readonly kind: SiteKind;
  readonly file: string;
  readonly line: number;
  /** Function in which it stands. */
  readonly function: string;
  /** As it stands there, on one line. */
  readonly text: string;
}

export interface Apart {
  readonly sites: readonly Site[];
  readonly base: KernelFunctions;
  /** The copy of a design; one that a test has for itself stays whole. */
  twin(design: KernelDesign): KernelDesign;
  /** From now on this site is left out; null: none is. `fired`: told each time that it would have been done. */
  leaveOut(site: number | null, fired?: () => void): void;
  /** Sites that were come to since that was asked last. */
  seen(): ReadonlySet<number>;
}

interface Switches {
  active: number;
  seen: Set<number>;
  fired: (() => void) | null;
}

/** `load`: a module of the copy, by its name there. It is there once the project is built. */
export async function loadApart(load: (name: string) => Promise<unknown>): Promise<Apart> {
  const [{ SITES }, { cuts }, { BASE }, { DESIGNS, TABLE_RECLAIM_FAMILY }] = (await Promise.all(
    ['sites.js', 'switch.js', 'kernel/functions.js', 'designs/index.js'].map(load),
  )) as [
    { SITES: Site[] },
    { cuts: Switches },
    { BASE: KernelFunctions },
    { DESIGNS: KernelDesign[]; TABLE_RECLAIM_FAMILY: KernelDesign[] },
  ];
  const designs = new Map([...DESIGNS, ...TABLE_RECLAIM_FAMILY].map((design) => [design.name, design]));
  return {
    sites: SITES,
    base: BASE,
    twin: (design) => designs.get(design.name) ?? design,
    leaveOut(site, fired) {
      cuts.active = site ?? -1;
      cuts.fired = fired ?? null;
    },
    seen() {
      const { seen } = cuts;
      cuts.seen = new Set();
      return seen;
    },
  };
}

/** What can be explained, as data: from the tables that the code runs from. pages.ts makes it readable. */
import { DESIGNS, type KernelDesign, TABLE_RECLAIM_FAMILY } from '../../designs/index.ts';
import { CPU_STATES, type CpuState, REASONS, WISHES } from '../../hw/index.ts';
import { INVARIANTS, type Invariant } from '../../kernel/index.ts';
import { LITMUS } from '../litmus/index.ts';
import { groupedBy, linesOf, placeOf } from '../litmus/rows.ts';
import { type StoredVerdict, storedVerdict } from '../litmus/stored.ts';

export interface CpuStatesExplained {
  readonly kind: 'cpu-states';
  readonly states: readonly CpuState[];
  readonly wishes: readonly { readonly wish: string; readonly design: string }[];
}

/** What is stored on a test that has the design in it. */
export interface DesignVerdict {
  readonly test: string;
  readonly scenario: string;
  /** The other design of a pair; null where the test is of no pair. */
  readonly beside: string | null;
  readonly design: string;
  readonly stored: StoredVerdict | null;
}

export interface DesignExplained {
  readonly kind: 'design';
  readonly name: string;
  readonly family: string;
  readonly source: string | null;
  readonly argument: string | null;
  readonly lines: number | null;
  /** Kernel functions that it has in place of the kernel's; that it leaves out; before and after which it does something. */
  readonly replaces: readonly string[];
  readonly omits: readonly string[];
  readonly precedes: readonly string[];
  readonly follows: readonly string[];
  readonly verdicts: readonly DesignVerdict[];
}

export interface InvariantExplained extends Omit<Invariant, 'by'> {
  readonly kind: 'invariant';
  readonly by: readonly string[];
}

export interface FaultReasonExplained {
  readonly kind: 'fault-reason';
  readonly code: string;
  readonly name: string;
  readonly mode: 'legacy' | 'scalable';
  readonly text: string;
  /** Where FPD is set in an entry that was reached, it is not recorded. */
  readonly qualified: boolean;
}

/** What `explain` knows, by kind. */
export interface TopicsExplained {
  readonly kind: 'topics';
  readonly topics: readonly { readonly group: string; readonly names: readonly string[] }[];
}

export type Explanation =
  | CpuStatesExplained
  | DesignExplained
  | InvariantExplained
  | FaultReasonExplained
  | TopicsExplained;

export const CPU_STATES_TOPIC = 'cpu-states';

/** What is known under that name; null: nothing. Capital letters do not matter, and a code may be `0x5` or `0x05`. */
export function explanationOf(what: string): Explanation | null {
  const isIt = (name: string): boolean => name.toLowerCase() === what.toLowerCase();
  if (isIt(CPU_STATES_TOPIC)) return { kind: 'cpu-states', states: CPU_STATES, wishes: WISHES };
  const design = DESIGNS.find(({ name }) => isIt(name));
  if (design !== undefined) return designExplained(design);
  const reclaim = TABLE_RECLAIM_FAMILY.find(({ name }) => isIt(name));
  if (reclaim !== undefined) return tableReclaimExplained(reclaim);
  const invariant = INVARIANTS.find(({ id }) => isIt(id));
  if (invariant !== undefined) return { kind: 'invariant', ...invariant };
  return faultReasonExplained(what);
}

export function topics(): TopicsExplained {
  const groups = [
    { group: 'what a CPU holds for a thread or its address space', names: [CPU_STATES_TOPIC] },
    ...[...groupedBy(DESIGNS, ({ family }) => family)].map(([family, designs]) => ({
      group: `designs of the family ${family}`,
      names: designs.map(({ name }) => name),
    })),
    { group: 'designs of the family table-reclaim', names: TABLE_RECLAIM_FAMILY.map(({ name }) => name) },
    { group: 'invariants', names: INVARIANTS.map(({ id }) => id) },
    { group: 'VT-d fault reasons', names: Object.values(REASONS).map(({ code }) => codeText(code)) },
  ];
  return { kind: 'topics', topics: groups.filter(({ names }) => names.length > 0) };
}

/** All that `explanationOf` takes, names of fault reasons too. */
export function topicNames(): readonly string[] {
  return [...topics().topics.flatMap(({ names }) => names), ...Object.keys(REASONS)];
}

function designExplained({ name, family, source, argument, patch }: KernelDesign): DesignExplained {
  return {
    ...{ kind: 'design', name, family, source, argument, lines: linesOf([name]) },
    replaces: Object.keys(patch.replace ?? {}),
    omits: patch.omit ?? [],
    precedes: Object.keys(patch.before ?? {}),
    follows: Object.keys(patch.after ?? {}),
    verdicts: verdictsOn(name),
  };
}

/** Its code is no function of the kernel. */
function tableReclaimExplained({ name, family, source, argument }: KernelDesign): DesignExplained {
  const nothing = { replaces: [], omits: [], precedes: [], follows: [] };
  const verdicts = verdictsOn(name);
  return { kind: 'design', name, family, source, argument, lines: linesOf([name]), ...nothing, verdicts };
}

function verdictsOn(name: string): readonly DesignVerdict[] {
  return LITMUS.flatMap((entry) => {
    const { row, column } = placeOf(entry);
    if (row !== name && column !== name && !entry.designs.includes(name)) return [];
    const beside = column === null ? null : row === name ? column : row;
    const stored = storedVerdict(entry.name) ?? null;
    return [{ test: entry.name, scenario: entry.scenario, beside, design: entry.design, stored }];
  });
}

function faultReasonExplained(what: string): FaultReasonExplained | null {
  const code = /^0x[0-9a-f]{1,2}$/i.test(what) ? Number(what) : null;
  const found = Object.entries(REASONS).find(
    ([name, own]) => own.code === code || name.toLowerCase() === what.toLowerCase(),
  );
  if (found === undefined) return null;
  const [name, reason] = found;
  const mode = name.startsWith('L_') ? 'legacy' : 'scalable';
  return {
    kind: 'fault-reason',
    code: codeText(reason.code),
    name,
    mode,
    text: reason.text,
    qualified: reason.qualified,
  };
}

function codeText(code: number): string {
  return `0x${code.toString(16).padStart(2, '0')}`;
}

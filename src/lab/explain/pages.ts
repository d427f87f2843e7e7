/** Explanations as pages: for a terminal of 100 columns, and for the web alike. */
import { unreachable } from '../../base/assert.ts';
import type { CpuState } from '../../hw/index.ts';
import { groupedBy } from '../litmus/rows.ts';
import type { Grid, KeyFigure, KeyFigures, ReportPage, Section, Table } from '../report/page.ts';
import { formatCount, formatSeconds } from '../report/units.ts';
import { LEGEND, markOf, type VerdictCell } from '../report/verdict-grid.ts';
import type {
  CpuStatesExplained,
  DesignExplained,
  DesignVerdict,
  Explanation,
  FaultReasonExplained,
  InvariantExplained,
  TopicsExplained,
} from './explanation.ts';

export function explanationPage(explanation: Explanation): ReportPage {
  switch (explanation.kind) {
    case 'cpu-states':
      return cpuStatesPage(explanation);
    case 'design':
      return designPage(explanation);
    case 'invariant':
      return invariantPage(explanation);
    case 'fault-reason':
      return faultReasonPage(explanation);
    case 'topics':
      return topicsPage(explanation);
    default:
      return unreachable(explanation);
  }
}

function page(title: string, lede: readonly string[], sections: readonly Section[]): ReportPage {
  return { kicker: 'tablewalk explain', title, lede: lede.map((text) => [text]), sections, footer: [] };
}

function facts(label: string, pairs: readonly (readonly [string, string | null])[]): KeyFigures {
  const figures = pairs.flatMap(([name, value]): KeyFigure[] => (value === null ? [] : [{ label: name, value }]));
  return { kind: 'key-figures', label, figures };
}

function cpuStatesPage({ states, wishes }: CpuStatesExplained): ReportPage {
  const table: Table = {
    kind: 'table',
    caption: 'Where each is loaded, and what says that it is not',
    columns: [
      { label: 'state', align: 'name' },
      { label: 'register', align: 'code' },
      { label: 'of the', align: 'name' },
      { label: 'loaded at', align: 'name' },
      { label: 'XSAVE', align: 'name' },
      { label: 'exception', align: 'name' },
    ],
    groups: [{ label: null, rows: states.map(stateRow) }],
    empty: 'There are none.',
    note: 'XSAVE: numbers of the components; –: XSAVES and XRSTORS do not know it.',
  };
  return page(
    'What a CPU holds for a thread or its address space, and how it gets there',
    [
      'After the mail of 3 August 2020 (LKML, on loading the PASID MSR). The models load and save what this table says, where it says.',
    ],
    [
      table,
      facts(
        'what there is to say of each',
        states.map((state) => [state.name, stateText(state)] as const),
      ),
      { kind: 'heading', level: 2, text: 'What hardware is asked for, and the design that shows it' },
      facts(
        'wishes',
        wishes.map(({ wish, design }) => [design, wish] as const),
      ),
    ],
  );
}

function stateText({ kernelUse, remark, signal }: CpuState): string {
  const parts = [
    remark,
    ...(kernelUse === null ? [] : [`kernel use: ${kernelUse}`]),
    ...(signal === null ? [] : [`${signal.exception} is shared with ${signal.sharedWith}`]),
  ];
  return parts.join('; ');
}

function stateRow({ components, loadedAt, name, per, register, signal }: CpuState): readonly string[] {
  return [
    name,
    register,
    per,
    loadedAt,
    components.length === 0 ? '–' : components.join(', '),
    signal?.exception ?? '–',
  ];
}

function designPage(design: DesignExplained): ReportPage {
  const { argument, family, follows, lines, omits, precedes, replaces, source, verdicts } = design;
  const list = (names: readonly string[]): string | null => (names.length === 0 ? null : names.join(', '));
  const head = facts(design.name, [
    ['family', family],
    ['source', source],
    ['argument', argument],
    ['lines of code', lines === null ? null : formatCount(lines)],
    ['in place of', list(replaces)],
    ['leaves out', list(omits)],
    ['does something before', list(precedes)],
    ['does something after', list(follows)],
  ]);
  const alone = verdicts.filter(({ beside }) => beside === null);
  const pairs = verdicts.filter(({ beside }) => beside !== null);
  const sections: Section[] = [head];
  if (alone.length > 0) sections.push(verdictTable(alone));
  if (pairs.length > 0) sections.push(verdictGrid(design.name, pairs));
  if (family === 'table-reclaim') {
    const text = 'docs/designs.md has its steps; tablewalk iova-stress and tablewalk replay say what it costs.';
    sections.push({ kind: 'prose', text: [text] });
  } else if (verdicts.length === 0) sections.push({ kind: 'prose', text: ['No built-in test has it.'] });
  return page(design.name, [], sections);
}

function verdictTable(verdicts: readonly DesignVerdict[]): Table {
  const rows = verdicts.map(({ scenario, design, stored }) => [
    scenario,
    design,
    stored?.verdict ?? 'not known',
    stored === null ? '' : formatCount(stored.executions),
    stored === null ? '' : formatSeconds(stored.seconds),
  ]);
  return {
    kind: 'table',
    caption: 'Verdicts, as stored',
    columns: [
      { label: 'scenario', align: 'text' },
      { label: 'case', align: 'text' },
      { label: 'verdict', align: 'name' },
      { label: 'executions', align: 'number' },
      { label: 'time', align: 'number' },
    ],
    groups: [{ label: null, rows }],
    empty: 'There are none.',
  };
}

function verdictGrid(name: string, verdicts: readonly DesignVerdict[]): Grid {
  const columns = [...new Set(verdicts.map(({ beside }) => beside!))];
  const rows = [...groupedBy(verdicts, ({ scenario }) => scenario)].map(([label, own]) => ({
    label,
    marks: columns.map((column) => {
      const found = own.find(({ beside }) => beside === column);
      return found === undefined ? null : markOf(cellOf(found));
    }),
    more: [],
  }));
  const caption = `Verdicts, as stored, with each design of the other family`;
  return { kind: 'grid', caption, corner: name, columns, more: [], rows, empty: 'There are none.', note: LEGEND };
}

function cellOf({ test, scenario, design, stored }: DesignVerdict): VerdictCell {
  const entry = { name: test, family: '', scenario, design, designs: [] };
  const { verdict = null, executions = 0, seconds = 0 } = stored ?? {};
  return { entry, verdict, executions, seconds, isStored: true, isExpected: true };
}

function invariantPage({ by, checked, id, text }: InvariantExplained): ReportPage {
  const functions = by.length === 0 ? null : by.join(', ');
  return page(
    id,
    [text],
    [
      facts(id, [
        ['checked', checked],
        ['by', functions],
      ]),
    ],
  );
}

function faultReasonPage({ code, mode, name, qualified, text }: FaultReasonExplained): ReportPage {
  const recorded = qualified ? 'unless FPD is set in an entry that was reached' : 'whatever FPD says';
  return page(
    `VT-d fault reason ${code}`,
    [text],
    [
      facts(name, [
        ['name here', name],
        ['mode', mode],
        ['recorded', recorded],
      ]),
    ],
  );
}

function topicsPage({ topics }: TopicsExplained): ReportPage {
  const pairs = topics.map(({ group, names }) => [group, names.join(', ')] as const);
  return page(
    'What can be explained',
    ['tablewalk explain WHAT, with one of these; a fault reason also by its name, such as S_FIRST_NOT_PRESENT.'],
    pairs.flatMap(([group, names]): Section[] => [
      { kind: 'heading', level: 3, text: group },
      { kind: 'prose', text: [names] },
    ]),
  );
}

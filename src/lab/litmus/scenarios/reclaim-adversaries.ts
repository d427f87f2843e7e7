/** Table reclaim beside who takes references to pages of tables, and beside callers that do not keep to their own pages. */

import { TABLE } from '../domain-machine.ts';
import type { Scenario } from '../scenario.ts';
import { inTurn, reclaimScenario } from './table-reclaim.ts';

const T = TABLE;
const WITH_REFERENCE = 'one CPU, three levels of tables, one reference by somebody else';
const BROKEN = 'two CPUs that work on one page at once, three levels of tables, no device';

/** References of a moment: GUP-fast and the page cache take them to what was a user page before, walkers of page frame numbers to any page. */
const REFERENCES: readonly Scenario[] = [
  reclaimScenario(
    'reference to a table',
    'A CPU unmaps the last page of a table; a walker of page frame numbers has a reference to it.',
    WITH_REFERENCE,
    {
      frees: true,
      pages: [0],
      mapped: [[0, 1]],
      threads: (own) => ({ cpu0: own.unmap(0), 'pfn walker': own.reference(own.tableOf(0)) }),
      accesses: [0],
      reachableWhereFreed: ['the last reference'],
      reachable: ['a reference'],
    },
  ),
  reclaimScenario(
    'reference to a new table',
    'A frame that was a user page becomes a table; GUP-fast has found it before, and takes its reference late.',
    WITH_REFERENCE,
    {
      frees: true,
      pages: [0],
      mapped: [],
      threads: (own) => {
        const frame = own.formerUserPage();
        return { cpu0: inTurn(own.map(0), () => own.unmap(0)), 'GUP-fast': own.reference(frame) };
      },
      reachableWhereFreed: ['the last reference'],
      reachable: ['a reference'],
    },
  ),
  reclaimScenario(
    'reader of _mapcount',
    'A CPU unmaps the last page of a table; a walker of page frame numbers reads _mapcount of it.',
    WITH_REFERENCE,
    {
      frees: true,
      pages: [0],
      mapped: [[0, 1]],
      threads: (own) => ({ cpu0: own.unmap(0), 'pfn walker': own.looksAtCount(own.tableOf(0)) }),
    },
  ),
  reclaimScenario(
    'reference when a table is full',
    'A CPU maps the last free page of a table; somebody has a reference to it.',
    WITH_REFERENCE,
    {
      pages: [T - 1],
      mapped: [[0, T - 1]],
      threads: (own) => ({ cpu0: own.map(T - 1), 'pfn walker': own.reference(own.tableOf(0)) }),
      atRest: { warns: false },
      reachable: ['a reference'],
    },
  ),
  reclaimScenario(
    'emptied tables go beside a reference',
    'A CPU unmaps the last page of a table, to which somebody has a reference: it is freed.',
    WITH_REFERENCE,
    {
      frees: true,
      pages: [0],
      mapped: [[0, 1]],
      threads: (own) => ({ cpu0: own.unmap(0), 'pfn walker': own.reference(own.tableOf(0)) }),
      atRest: { keeps: false, warns: true },
      reachable: ['a reference'],
    },
  ),
  reclaimScenario(
    'a missed free, and an unmap in the table',
    'A table was not freed because of a reference; later a page is mapped and unmapped in it.',
    WITH_REFERENCE,
    {
      frees: true,
      pages: [0, 1],
      mapped: [[0, 1]],
      threads: (own) => {
        own.missFree(0);
        return { cpu0: inTurn(own.map(1), () => own.unmap(1)) };
      },
      atRest: { keeps: false, warns: true },
    },
  ),
  reclaimScenario(
    'a missed free, and an unmap elsewhere',
    'A table was not freed because of a reference; later a page is mapped and unmapped in the next table.',
    WITH_REFERENCE,
    {
      frees: true,
      pages: [0, T],
      mapped: [[0, 1]],
      threads: (own) => {
        own.missFree(0);
        return { cpu0: inTurn(own.map(T), () => own.unmap(T)) };
      },
      atRest: { keeps: false, warns: true },
    },
  ),
];

/** What one page is done wrong to may be wrong: other pages and the tables are looked at. */
const PROMISE: readonly Scenario[] = [
  reclaimScenario('one page unmapped twice', 'Two CPUs unmap one page at once; the next one stays mapped.', BROKEN, {
    pages: [0, 1],
    mapped: [[0, 2]],
    threads: (own) => ({ cpu0: own.unmap(0, 1, { loosely: true }), cpu1: own.unmap(0, 1, { loosely: true }) }),
    atRest: { warns: true },
  }),
  reclaimScenario('one page unmapped and mapped', 'A CPU maps a page while another unmaps it.', BROKEN, {
    pages: [1],
    mapped: [[0, 2]],
    threads: (own) => ({ cpu0: own.unmap(0, 1, { loosely: true }), cpu1: own.map(0, 1, { loosely: true }) }),
    atRest: { warns: true },
  }),
  reclaimScenario(
    'who unmaps a page is asked where it leads',
    'A CPU unmaps the last page of a table, another asks where it leads.',
    BROKEN,
    {
      pages: [0],
      mapped: [[0, 1]],
      threads: (own) => ({ cpu0: own.unmap(0), cpu1: own.translated(0, { loosely: true }) }),
    },
  ),
];

export const RECLAIM_ADVERSARIES: readonly Scenario[] = [...REFERENCES, ...PROMISE];

/**
 * Two CPUs on one domain, their map and unmap flows interleaved by random schedules. The IOVAs of the two are disjoint, as the
 * caller promises; what they share is the tables above.
 */
import { Cell } from '../../src/base/cell.ts';
import { ATOMIC, type Flow, join, runAlone } from '../../src/base/flow.ts';
import { createRandom } from '../../src/base/random.ts';
import type { World } from '../../src/base/world.ts';
import type { CheckTest } from '../../src/check/index.ts';
import { RecordedMemory } from '../../src/hw/memory/recorded-memory.ts';
import { VTD_SECOND_STAGE } from '../../src/hw/pt/formats/vtd-second-stage.ts';
import { type Cpu, createCpu, GENERIC_PT, type PageTable, tablesAlive } from '../../src/hw/pt/page-table.ts';
import { createShared } from '../../src/hw/pt/shared.ts';
import { visitTables } from '../../src/hw/pt/walk.ts';
import {
  createDomain,
  destroyDomain,
  type IommuDomain,
  iommuIovaToPhys,
  iommuMap,
  iommuUnmap,
  settleDomain,
} from '../../src/kernel/iommu/domain.ts';
import type { TableReclaim } from '../../src/kernel/iommu/table-reclaim.ts';
import { BruteForce, ruleOf, tableName } from './brute-force.ts';
import type { Op } from './domain-harness.ts';
import { type Decide, execute } from './toy-scheduler.ts';

export interface Scenario {
  readonly name: string;
  /** Done by one CPU before the two begin. */
  readonly before?: readonly Op[];
  readonly cpus: readonly (readonly Op[])[];
}

export interface Outcome {
  /** What is wrong; empty when nothing is. */
  readonly problems: readonly string[];
  /** Counters of tables that were looked at or changed after the table was freed. */
  readonly lateCounts: number;
  readonly schedule: readonly number[];
}

export interface Options {
  readonly levels: number;
  readonly lazy: boolean;
}

/** One execution under a schedule that the seed decides. */
export function runOnce(design: TableReclaim, scenario: Scenario, options: Options, seed: number): Outcome {
  const problems: string[] = [];
  let memory: RecordedMemory | undefined;
  let domain: IommuDomain | undefined;
  const schedule: number[] = [];
  try {
    const make = (world: World) => {
      memory = new RecordedMemory(world);
      domain = newDomain(world, memory, design, options);
      const cpu = createCpu();
      for (const op of scenario.before ?? []) runAlone(perform(domain, cpu, op));
      const made = domain;
      return { threads: scenario.cpus.map((ops) => thread(made, ops, problems)) };
    };
    const { deadlock } = execute(make, randomSchedule(seed), { schedule });
    if (deadlock !== null) problems.push(`deadlock: ${JSON.stringify(deadlock)}`);
    else compareEnd(domain as IommuDomain, memory as RecordedMemory, scenario, options, problems);
  } catch (error) {
    problems.push(String(error));
  }
  return { problems, lateCounts: memory?.lateCounts ?? 0, schedule };
}

/** The same for the checker, which goes through all schedules: a last thread, once the CPUs are done, fails with what is wrong. */
export function everySchedule(design: TableReclaim, scenario: Scenario, options: Options): CheckTest {
  return {
    name: `${design.name}: ${scenario.name}`,
    expect: 'holds',
    maxSteps: 5000,
    program: (world) => {
      const memory = new RecordedMemory(world);
      const domain = newDomain(world, memory, design, options);
      const problems: string[] = [];
      const cpu = createCpu();
      for (const op of scenario.before ?? []) runAlone(perform(domain, cpu, op));
      const cpus = scenario.cpus.map((ops, i) => [`cpu${i}`, thread(domain, ops, problems)] as const);
      const names = cpus.map(([name]) => name);
      return {
        threads: {
          ...Object.fromEntries(cpus),
          end: atTheEnd(world, names, domain, memory, scenario, options, problems),
        },
      };
    },
  };
}

function* atTheEnd(
  world: World,
  names: readonly string[],
  domain: IommuDomain,
  memory: RecordedMemory,
  scenario: Scenario,
  options: Options,
  problems: string[],
): Flow<void> {
  yield join(world, ...names);
  yield ATOMIC;
  compareEnd(domain, memory, scenario, options, problems);
  // The flows that this step ran alone announced their locks; nothing of it is left to be yielded.
  world.lastAnnounced = null;
  if (problems[0] !== undefined) throw new Error(problems[0]);
}

function newDomain(world: World, memory: RecordedMemory, design: TableReclaim, options: Options): IommuDomain {
  return runAlone(
    createDomain({
      memory,
      format: VTD_SECOND_STAGE,
      levels: options.levels,
      reclaim: design,
      semantics: GENERIC_PT,
      lazy: options.lazy,
      flushRange: flushTakesAStep,
      shared: createShared(world, (name, value) => new Cell(world, name, value)),
    }),
  );
}

function* flushTakesAStep(_pt: PageTable): Flow<void> {
  yield;
}

/** The operations of one CPU; each must succeed, whatever the other does. */
function* thread(domain: IommuDomain, ops: readonly Op[], problems: string[]): Flow<void> {
  const cpu = createCpu();
  for (const op of ops) {
    const got = yield* perform(domain, cpu, op);
    const expected = op.kind === 'unmap' ? op.pages : 0;
    if (got !== expected) problems.push(`${JSON.stringify(op)} returns ${got}, and should be ${expected}`);
  }
}

function* perform(domain: IommuDomain, cpu: Cpu, op: Op): Flow<number> {
  if (op.kind === 'map') return yield* iommuMap(domain, cpu, op.iova, op.paddr, op.pages, op.prot);
  if (op.kind === 'unmap') return yield* iommuUnmap(domain, cpu, op.iova, op.pages);
  return 0;
}

/** Disjoint operations come to the same in any order, so the oracle does them one after the other. */
function compareEnd(
  domain: IommuDomain,
  memory: RecordedMemory,
  scenario: Scenario,
  options: Options,
  problems: string[],
): void {
  const rule = ruleOf(domain.reclaim.name, options.lazy);
  const oracle = new BruteForce({ levels: options.levels, maxLeafLevel: 2, semantics: 'generic-pt', rule });
  const pages = new Set<number>();
  for (const op of [...(scenario.before ?? []), ...scenario.cpus.flat()]) {
    if (op.kind === 'map') oracle.map(op.iova, op.paddr, op.pages, op.prot);
    else if (op.kind === 'unmap') oracle.unmap(op.iova, op.pages);
    if ('iova' in op) for (let i = 0; i < op.pages; i++) pages.add(op.iova + i);
  }
  const cpu = createCpu();
  runAlone(settleDomain(domain, cpu));
  for (const page of pages) {
    const got = runAlone(iommuIovaToPhys(domain, page));
    const expected = oracle.translate(page);
    if (got !== expected) problems.push(`page ${page} translates to ${got}, and should be ${expected}`);
  }
  const real = new Set<number>();
  runAlone(visitTables(domain.pt, (_frame, level, page) => real.add(page * 8 + level)));
  for (const key of oracle.tables) if (!real.has(key)) problems.push(`missing: ${tableName(key)}`);
  for (const key of real) if (!oracle.tables.has(key)) problems.push(`kept though empty: ${tableName(key)}`);
  const alive = tablesAlive(domain.pt);
  if (alive !== real.size) problems.push(`lost: ${alive} tables are counted as alive, ${real.size} can be found`);
  const left = runAlone(destroyDomain(domain, cpu));
  if (left !== 0) problems.push(`destroyDomain returns ${left}`);
  if (memory.framesInUse !== 0) problems.push(`${memory.framesInUse} frames stay in use after destroyDomain`);
}

/** Stays with a thread for one, a few or many steps, by seed: few switches find other bugs than many. */
function randomSchedule(seed: number): Decide {
  const random = createRandom(seed);
  const stay = [1, 4, 16, 64][seed % 4] as number;
  let last = 0;
  return (options) => {
    if (last >= options || random.below(stay) === 0) last = random.below(options);
    return last;
  };
}

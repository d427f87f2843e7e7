/** The checker, on its own: threads as generators, every interleaving of them. docs/checker.md. The door of the layer. */
export {
  ATOMIC,
  Cell,
  cpuRelax,
  type Flow,
  join,
  LOCKED,
  LockMisuse,
  type MemoryModel,
  MFENCE,
  Mutex,
  Queue,
  RwLock,
  SpinLock,
  type Step,
  TestMistake,
  UseAfterFree,
  until,
  Words,
  World,
} from '../base/index.ts';
export { type BriefRow, briefRows } from './brief.ts';
export { Check, type CheckOptions, check, type SavedCheck, STRATEGIES, type StrategyName } from './check.ts';
export { type Counterexample, type ExplainedAccess, type ExplainedStep, explain } from './explain.ts';
export { renderLanes } from './lanes.ts';
export { Minimiser } from './minimise.ts';
export type { Order } from './orders.ts';
export { partition, UnfitOrder } from './partition.ts';
export {
  type AtEnd,
  atEnd,
  type CheckTest,
  type Daemon,
  defineTest,
  isTest,
  type Program,
  type Properties,
  type Verdict,
} from './program.ts';
export { combine, type Explored, resultOf } from './result.ts';
export { parseSchedule, printSchedule } from './schedule.ts';
export type { Source } from './source.ts';
export type { CheckResult, Decision, Limit, Violation, ViolationKind } from './verdicts.ts';

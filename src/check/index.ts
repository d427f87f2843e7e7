/** The checker, on its own: threads as generators, every interleaving of them. docs/checker.md. The door of the layer. */
export {
  ATOMIC,
  Cell,
  cpuRelax,
  type Flow,
  LOCKED,
  LockMisuse,
  type MemoryModel,
  MFENCE,
  Mutex,
  Queue,
  RwLock,
  SpinLock,
  type Step,
  UseAfterFree,
  until,
  Words,
  World,
} from '../base/index.ts';
export { Check, type CheckOptions, check, STRATEGIES, type StrategyName } from './check.ts';
export { type CheckTest, type Daemon, type Program, atEnd, defineTest, isTest, type Verdict } from './program.ts';
export { TestMistake } from './refusals.ts';
export { parseSchedule, printSchedule } from './schedule.ts';
export type { CheckResult, Decision, Limit, Violation, ViolationKind } from './verdicts.ts';

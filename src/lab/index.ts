/** The laboratory: replaying real traces, and its results. The door of the layer. */
export {
  type Conformance,
  type ConformanceFile,
  createConformance,
  DEVIATION_TABLE,
} from './conformance/conformance.ts';
export { totalEvents } from './replay/file.ts';
export { createReplay, type Replay, type ReplayOptions, type ReplayProgress } from './replay/replay.ts';
export type {
  DesignCost,
  DomainInference,
  FlushMode,
  InferredDomain,
  ReplayFile,
  ReplayResult,
  TimeSeries,
} from './replay/result.ts';

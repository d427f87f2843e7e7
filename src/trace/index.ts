export type {
  Gap,
  IommuRecord,
  OtherLines,
  SkippedLines,
  TimeUnit,
  TraceFormat,
  TraceHandlers,
  TraceSummary,
  TraceTask,
} from './events.ts';
export { type TraceParserOptions, TraceTextParser } from './parser.ts';
export { SKIP, type SkipReason } from './tally.ts';

/** What the two readers of lines, the fast one and the general one, share. Owned by one parser. */

import { BRACKET_OPEN, isDigit, SPACE } from './bytes.ts';
import { EventNames } from './event-names.ts';
import type { IommuRecord, TraceFormat, TraceHandlers } from './events.ts';
import { Tally } from './tally.ts';
import { BRACKET_COLUMN, OLD_BRACKET_COLUMN, TASK_COLUMNS, TaskCache, Tasks } from './tasks.ts';

export class TraceState {
  readonly handlers: TraceHandlers;
  readonly maxLineBytes: number;
  readonly tally = new Tally();
  readonly names = new EventNames();
  readonly tasks = new Tasks();
  readonly taskCache = new TaskCache();
  readonly record: IommuRecord = {
    timestamp: 0,
    taskId: 0,
    iovaPfn: 0,
    paddrPfn: 0,
    pages: 0,
    unmappedPages: 0,
    line: 0,
  };
  /** Whether some line could only have come from a trace. */
  recognised = false;
  /** Set by the first line that shows it. */
  format: TraceFormat | null = null;
  /** Whether an event with task and time was seen: from then on one without is not believed. */
  hasContext = false;

  constructor(handlers: TraceHandlers, maxLineBytes: number) {
    this.handlers = handlers;
    this.maxLineBytes = maxLineBytes;
  }

  recognise(format: TraceFormat | null): void {
    this.recognised = true;
    if (format !== null) this.format ??= format;
  }

  /**
   * Shows the fast reader the task of a line that was read in full, if its first columns hold nothing but name, pid and the
   * bracket: then the same 24 bytes mean the same task on every line.
   */
  learn(b: Uint8Array, start: number, end: number, taskId: number): void {
    if (end - start <= TASK_COLUMNS + 8) return;
    for (let column = 17; ; column++) {
      const byte = b[start + column];
      if (byte === BRACKET_OPEN && (column === OLD_BRACKET_COLUMN || column === BRACKET_COLUMN)) break;
      if (column > BRACKET_COLUMN || !(isDigit(byte) || byte === SPACE)) return;
    }
    this.taskCache.learn(b, start, taskId);
  }
}

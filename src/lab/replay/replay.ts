/**
 * `replay` of one trace, bytes in and a ReplayFile out. Memory is that of the live mappings and the simulated tables,
 * whatever the length of the trace. A trace that cannot be read or needs more memory than allowed is an InputError.
 */
import { err, type InputError, ok, type Result } from '../../base/result.ts';
import { HostMemoryExhausted } from '../../hw/index.ts';
import { type TraceSummary, TraceTextParser } from '../../trace/index.ts';
import { type EngineOptions, ReplayEngine, ReplayLimit } from './engine.ts';
import { replayFile } from './file.ts';
import type { ReplayFile } from './result.ts';

export type ReplayOptions = EngineOptions;

export interface ReplayProgress {
  readonly bytes: number;
  readonly lines: number;
  readonly maps: number;
  readonly unmaps: number;
}

export interface Replay {
  /** Takes the next bytes; they may be reused afterwards. Once refused, every call says so again. */
  push(chunk: Uint8Array): Result<void>;
  /** Ends the trace. Once only. */
  end(): Result<ReplayFile>;
  readonly progress: ReplayProgress;
}

/** @param file name of the trace, for the result and for messages. */
export function createReplay(file: string, options: ReplayOptions = {}): Replay {
  return new TraceReplay(file, options);
}

class TraceReplay implements Replay {
  readonly #file: string;
  readonly #engine: ReplayEngine;
  readonly #parser: TraceTextParser;
  #bytes = 0;
  #line = 0;
  #refusal: InputError | null = null;

  constructor(file: string, options: ReplayOptions) {
    this.#file = file;
    const engine = new ReplayEngine(options);
    this.#engine = engine;
    this.#parser = new TraceTextParser({
      map: (record) => {
        this.#line = record.line;
        engine.map(record);
      },
      unmap: (record) => {
        this.#line = record.line;
        engine.unmap(record);
      },
    });
  }

  get progress(): ReplayProgress {
    const { maps, unmaps } = this.#engine.counts;
    return { bytes: this.#bytes, lines: this.#parser.lines, maps, unmaps };
  }

  push(chunk: Uint8Array): Result<void> {
    this.#bytes += chunk.byteLength;
    return this.#guarded(() => this.#parser.push(chunk));
  }

  end(): Result<ReplayFile> {
    const read: Result<TraceSummary> = this.#guarded(() => this.#parser.end());
    return read.ok ? this.#guarded(() => ok(this.#finish(read.value))) : read;
  }

  #finish(summary: TraceSummary): ReplayFile {
    this.#engine.settle(summary.lastTimestamp);
    const result = replayFile(this.#file, this.#engine, summary);
    this.#engine.destroy();
    return result;
  }

  /** The first refusal stands: after it nothing is read any more. */
  #guarded<T>(step: () => Result<T>): Result<T> {
    if (this.#refusal !== null) return err(this.#refusal);
    try {
      const done = step();
      if (!done.ok) this.#refusal = done.error;
      return done;
    } catch (error) {
      this.#refusal = this.#limitReached(error);
      return err(this.#refusal);
    }
  }

  /** @throws what is not a limit of the replay: our bug. */
  #limitReached(error: unknown): InputError {
    if (error instanceof HostMemoryExhausted || error instanceof ReplayLimit) {
      return {
        code: 'too-large',
        message: error.message,
        place: `${this.#file}, line ${this.#line}`,
        hint: 'replay a shorter part of the trace, fewer designs, or allow more host memory',
      };
    }
    throw error;
  }
}

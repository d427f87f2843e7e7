/** What the parts of a check say to each other across worker threads (partition.ts). */
import type { CheckOptions, Explored, Order } from '../check/index.ts';

/** What a worker is started with: where it finds the test, and how it explores. */
export interface WorkerStart {
  /** Null: among the built-in tests. */
  readonly file: string | null;
  readonly index: number;
  readonly options: CheckOptions;
}

/** To a worker: one part. There is nothing else to say: a worker that is not needed any more is ended. */
export interface Part {
  readonly orders: readonly Order[];
}

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'progress'; readonly executions: number; readonly steps: number; readonly done: number }
  | { readonly kind: 'done'; readonly explored: Explored }
  /** The parts are none: the test is to be explored in one piece. */
  | { readonly kind: 'unfit' }
  | {
      readonly kind: 'failed';
      readonly isMistake: boolean;
      readonly name: string;
      readonly message: string;
      readonly stack: string;
    };

/** The 10 ms timers of the flush queues in lazy mode, one for each inferred domain, in trace time. */
import { FQ_TIMEOUT_MS } from '../../kernel/iommu/flush-queue.straight.ts';

const TIMEOUT_SECONDS = FQ_TIMEOUT_MS / 1000;
const OFF = Number.POSITIVE_INFINITY;

export class FlushTimers {
  /** The earliest moment at which one runs out. */
  next = OFF;
  readonly #deadlines: number[] = [];

  /** Starts the timer of a domain unless it runs already (queue_iova: fq_timer_on). */
  arm(domain: number, now: number): void {
    if ((this.#deadlines[domain] ?? OFF) !== OFF) return;
    while (this.#deadlines.length <= domain) this.#deadlines.push(OFF);
    this.#deadlines[domain] = now + TIMEOUT_SECONDS;
    this.next = Math.min(this.next, now + TIMEOUT_SECONDS);
  }

  /** The domain whose timer ran out at `next`; it is then off. */
  expire(): number {
    const domain = this.#deadlines.indexOf(this.next);
    this.#deadlines[domain] = OFF;
    this.next = this.#deadlines.reduce((least, deadline) => Math.min(least, deadline), OFF);
    return domain;
  }
}

/**
 * The time of a trace, as it comes in: never backwards, and the number of the event where lines carry no time. Of the
 * unit the stream only shows this much before its end: seconds have a fraction, ticks have none.
 */
import type { IommuRecord } from '../../trace/index.ts';

export class Clock {
  now = 0;
  /** Map and unmap events so far. */
  events = 0;
  /** Time of the first event; 0 without time. */
  origin = 0;
  /** Some event carried a time. */
  timed = false;
  /** Some time had a fraction. */
  seconds = false;

  /** Takes an event's time. True: it is the first with a time, and `now` begins anew. */
  tick({ timestamp }: IommuRecord): boolean {
    const first = !this.timed && timestamp !== 0 && Number.isFinite(timestamp);
    if (first) {
      this.timed = true;
      // Events before it had no time, or the time 0.
      this.origin = this.events === 0 ? timestamp : 0;
      this.now = timestamp;
    } else if (!this.timed) this.now = this.events;
    else if (timestamp > this.now && Number.isFinite(timestamp)) this.now = timestamp;
    if (!this.seconds && timestamp % 1 > 0) this.seconds = true;
    this.events++;
    return first;
  }
}

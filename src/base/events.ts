/**
 * Typed events: models say what happens, observers (timeline, counters, coverage) listen. A model without an observer
 * pays one test a step. No `console` in a model.
 */

export type Observer<E> = (event: E) => void;

export interface EventSource<E> {
  /** @returns a function that ends the subscription. */
  subscribe(observer: Observer<E>): () => void;
}

export class EventHub<E> implements EventSource<E> {
  #observers: Observer<E>[] = [];

  /** Whether anybody listens: lets a hot path skip building the event. */
  get observed(): boolean {
    return this.#observers.length > 0;
  }

  subscribe(observer: Observer<E>): () => void {
    // A function of its own each time: who subscribes twice and stops once still hears.
    const own: Observer<E> = (event) => observer(event);
    this.#observers = [...this.#observers, own];
    return () => {
      this.#observers = this.#observers.filter((other) => other !== own);
    };
  }

  emit(event: E): void {
    for (const observer of this.#observers) observer(event);
  }
}

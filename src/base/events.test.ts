import { describe, expect, it } from 'vitest';
import { EventHub } from './events.ts';

describe('EventHub', () => {
  it('tells all observers, in the order in which they came', () => {
    const hub = new EventHub<number>();
    const said: string[] = [];
    hub.subscribe((event) => said.push(`a${event}`));
    hub.subscribe((event) => said.push(`b${event}`));
    hub.emit(1);
    hub.emit(2);
    expect(said).toEqual(['a1', 'b1', 'a2', 'b2']);
  });

  it('knows whether anybody listens', () => {
    const hub = new EventHub<number>();
    expect(hub.observed).toBe(false);
    const stop = hub.subscribe(() => {});
    expect(hub.observed).toBe(true);
    stop();
    stop();
    expect(hub.observed).toBe(false);
  });

  it('finishes an event with those who listened when it came', () => {
    const hub = new EventHub<number>();
    const said: string[] = [];
    const stop = hub.subscribe(() => {
      stop();
      hub.subscribe(() => said.push('late'));
      said.push('first');
    });
    hub.subscribe(() => said.push('second'));
    hub.emit(1);
    expect(said).toEqual(['first', 'second']);
  });
});

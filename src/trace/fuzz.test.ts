import { expect, test } from 'vitest';
import { fuzzTrace } from '../../test/fuzz/trace-fuzz.ts';

test('damaged traces neither throw nor lose lines, and chunks do not matter', () => {
  expect(() => fuzzTrace(2026, 400)).not.toThrow();
});

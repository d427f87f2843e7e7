import { describe, expect, it } from 'vitest';
import { assert, fail, InvariantError, unreachable } from './assert.ts';

describe('assert', () => {
  it('throws with its cause, which is built only then', () => {
    let built = 0;
    const cause = () => `cause ${++built}`;
    assert(true, cause);
    expect(built).toBe(0);
    expect(() => assert(false, cause)).toThrow(new InvariantError('cause 1'));
    expect(() => fail('broken')).toThrow(InvariantError);
    expect(() => unreachable('x' as never)).toThrow('a case was added and not handled: x');
  });
});

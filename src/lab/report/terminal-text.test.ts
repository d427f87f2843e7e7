import { describe, expect, it } from 'vitest';
import { clean, cut, padEnd, padStart, textWidth, wrap } from './terminal-text.ts';

describe('text in a terminal', () => {
  it('is as wide as it is shown', () => {
    expect(['abc', '漢字', 'é', 'e\u0301', '✓', '█', '👍'].map(textWidth)).toEqual([3, 4, 1, 1, 1, 1, 2]);
  });

  it('is cut with an ellipsis that counts', () => {
    expect(cut('kworker/u16:2', 8, true)).toBe('kworker…');
    expect(cut('kworker/u16:2', 8, false)).toBe('kwork...');
    expect(cut('漢字漢字', 4, true)).toBe('漢…');
    expect(cut('abc', 3, true)).toBe('abc');
    expect(cut('abc', 0, true)).toBe('');
  });

  it('is padded by what is shown', () => {
    expect(padEnd('漢', 4)).toBe('漢  ');
    expect(padStart('7', 3)).toBe('  7');
  });

  it('is wrapped at spaces, and inside words that are longer than a line', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('abcdefgh ij', 3)).toEqual(['abc', 'def', 'gh', 'ij']);
    expect(wrap('', 5)).toEqual([]);
    expect(wrap('漢字', 1)).toEqual(['漢', '字']);
  });

  it('shows what is invisible', () => {
    expect(clean('a\u0000b\u200bc\u200fd', true)).toBe('a\\x00b\\x200bc\\x200fd');
    expect(clean('1.049× – 3 µs…', false)).toBe('1.049x - 3 us...');
  });
});

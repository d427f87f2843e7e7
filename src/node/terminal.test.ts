import { describe, expect, it } from 'vitest';
import { capabilities, DEFAULT_WIDTH } from './terminal.ts';

const tty = { isTTY: true, columns: 80 };

describe('what a stream can show', () => {
  it('has colour on a terminal alone, and nowhere against the user’s wish', () => {
    expect(capabilities(tty, {}, true).color).toBe(true);
    expect(capabilities({}, {}, true).color).toBe(false);
    expect(capabilities(tty, {}, false).color).toBe(false);
    expect(capabilities(tty, { NO_COLOR: '1' }, true).color).toBe(false);
    expect(capabilities(tty, { NO_COLOR: '' }, true).color).toBe(true);
    expect(capabilities(tty, { TERM: 'dumb' }, true).color).toBe(false);
    expect(capabilities({}, { CI: 'true' }, true).color).toBe(false);
  });

  it('is as wide as the terminal, and as wide as text goes elsewhere', () => {
    expect(capabilities(tty, {}, true).width).toBe(80);
    expect(capabilities({ columns: 80 }, {}, true).width).toBe(DEFAULT_WIDTH);
    expect(capabilities({ isTTY: true, columns: 0 }, {}, true).width).toBe(DEFAULT_WIDTH);
  });

  it('takes a locale at its word', () => {
    expect(capabilities(tty, {}, true).unicode).toBe(true);
    expect(capabilities(tty, { LANG: 'en_GB.UTF-8' }, true).unicode).toBe(true);
    expect(capabilities(tty, { LANG: 'en_GB.UTF-8', LC_ALL: 'C' }, true).unicode).toBe(false);
    expect(capabilities(tty, { TERM: 'linux' }, true).unicode).toBe(false);
  });
});

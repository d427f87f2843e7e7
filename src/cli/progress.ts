/** One line on stderr that says how far the work is: only on a terminal, and only when it takes over a second. */

const DELAY_MS = 1000;
const INTERVAL_MS = 100;

export interface Progress {
  /** Shows `text` in place of what was shown. */
  show(text: string): void;
  /** Takes the line away, before something else is printed and at the end. */
  clear(): void;
}

export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY || process.env['TERM'] === 'dumb') return { show: () => {}, clear: () => {} };
  const start = performance.now();
  let last = 0;
  let shown = false;
  return {
    show: (text) => {
      const now = performance.now();
      if (now - start < DELAY_MS || now - last < INTERVAL_MS) return;
      last = now;
      shown = true;
      stream.write(`\r\x1b[2K${text.slice(0, Math.max(20, (stream.columns ?? 80) - 1))}`);
    },
    clear: () => {
      if (shown) stream.write('\r\x1b[2K');
      shown = false;
    },
  };
}

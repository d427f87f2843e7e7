/** Where results go: stdout, in the colours and the width that it has. */
import pico from 'picocolors';
import type { TerminalOptions } from '../lab/report/terminal.ts';
import { capabilities } from '../node/terminal.ts';

/** How stdout is to be written to. */
export function screen(wantColor: boolean): TerminalOptions {
  const { color, unicode, width } = capabilities(process.stdout, process.env, wantColor);
  return { width, unicode, color: pico.createColors(color) };
}

export function print(text: string): void {
  process.stdout.write(text);
}

/** The one document of `--json`. */
export function printJson(document: object): void {
  process.stdout.write(`${JSON.stringify(document)}\n`);
}

/** What docs/checker.md, docs/vtd.md and docs/litmus.md show: blocks of TypeScript that begin with the name of their file. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export interface Documented {
  readonly name: string;
  /** As it stands there, the name included. */
  readonly code: string;
}

export const CHECKER_TEXT = textOf('checker.md');

/** Test files. */
export const CHECKER_TESTS = blocks(CHECKER_TEXT, 'ts');

export const VTD_TESTS = blocks(textOf('vtd.md'), 'ts');

export const LITMUS_TEXT = textOf('litmus.md');

/** A design and its test. */
export const LITMUS_TESTS = blocks(LITMUS_TEXT, 'ts');

/** Scripts of web pages. */
export const CHECKER_PAGES = blocks(CHECKER_TEXT, 'ts page');

function textOf(name: string): string {
  return readFileSync(resolve(import.meta.dirname, '../../docs', name), 'utf8');
}

function blocks(text: string, kind: string): readonly Documented[] {
  const found = text.matchAll(new RegExp(`\`\`\`${kind}\\n(// (\\S+\\.ts)\\n[\\s\\S]*?)\`\`\``, 'g'));
  return [...found].map(([, code, name]) => ({ name: name!, code: code! }));
}

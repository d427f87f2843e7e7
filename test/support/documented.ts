/** What docs/checker.md shows: blocks of TypeScript that begin with the name of their file. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export interface Documented {
  readonly name: string;
  /** As it stands there, the name included. */
  readonly code: string;
}

export const CHECKER_TEXT = readFileSync(resolve(import.meta.dirname, '../../docs/checker.md'), 'utf8');

/** Test files. */
export const CHECKER_TESTS = blocks('ts');

/** Scripts of web pages. */
export const CHECKER_PAGES = blocks('ts page');

function blocks(kind: string): readonly Documented[] {
  const found = CHECKER_TEXT.matchAll(new RegExp(`\`\`\`${kind}\\n(// (\\S+\\.ts)\\n[\\s\\S]*?)\`\`\``, 'g'));
  return [...found].map(([, code, name]) => ({ name: name!, code: code! }));
}

/**
 * A test file runs in the browser as it does in Node: the programs of docs/checker.md, bundled with the checker, come to the
 * same verdicts, by as many executions and with the same counterexamples; and the page that docs/checker.md shows does what it says.
 */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { build } from 'vite';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CheckTest, check, explain, renderLanes } from '../../src/check/index.ts';
import { loadTestFile } from '../../src/node/test-files.ts';
import { root, scratchFolder } from '../cli/tablewalk.ts';
import { whyNoBrowser, withBrowser } from '../support/browser.ts';
import { CHECKER_PAGES, CHECKER_TESTS } from '../support/documented.ts';

const folder = scratchFolder();
const built = join(folder, 'built');

/** Runs all that the test files export, and leaves what came out as JSON. */
const ALL = `
import { Check, explain, isTest, renderLanes } from 'tablewalk/check';
${CHECKER_TESTS.map(({ name }, i) => `import * as file${i} from './${name}';`).join('\n')}
const tests = [${CHECKER_TESTS.map((_, i) => `file${i}`).join(', ')}].flatMap((file) => Object.values(file)).filter(isTest);
document.body.textContent = JSON.stringify(tests.map((test) => {
  const running = new Check(test);
  while (running.advance(100));
  const { name, verdict, executions, violation } = running.result();
  return { name, verdict, executions, lanes: violation === null ? null : renderLanes(explain(test, violation)) };
}));
`;

interface Came {
  readonly name: string;
  readonly verdict: string;
  readonly executions: number;
  readonly lanes: string | null;
}

/** The exports of a module stand in the order of their names there. */
function inOrder(all: readonly Came[]): readonly Came[] {
  return all.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** As in a user's project: the package is found by its name, and its subpath by its exports. */
async function bundle(): Promise<void> {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'tablewalk'));
  for (const { name, code } of [...CHECKER_TESTS, ...CHECKER_PAGES, { name: 'all.ts', code: ALL }]) {
    writeFileSync(join(folder, name), code);
  }
  const pages = [...CHECKER_PAGES.map(({ name }) => name), 'all.ts'].map((script) => {
    const path = join(folder, script.replace('.ts', '.html'));
    writeFileSync(path, `<!doctype html><body><script type="module" src="./${script}"></script></body>`);
    return path;
  });
  await build({
    root: folder,
    configFile: false,
    envFile: false,
    logLevel: 'silent',
    build: { outDir: built, rolldownOptions: { input: pages } },
  });
}

/** The same in this process. No places: a bundle has none. */
function inNode(test: CheckTest): Came {
  const { name, verdict, executions, violation } = check(test);
  if (violation === null) return { name, verdict, executions, lanes: null };
  const told = explain(test, violation);
  const steps = told.steps.map((step) => ({ ...step, source: null }));
  return { name, verdict, executions, lanes: renderLanes({ ...told, steps }) };
}

async function testsOfDocs(): Promise<readonly CheckTest[]> {
  const tests: CheckTest[] = [];
  for (const { name } of CHECKER_TESTS) {
    const loaded = await loadTestFile(join(folder, name));
    if (!loaded.ok) throw new Error(loaded.error.message);
    tests.push(...loaded.value);
  }
  return tests;
}

/** What a page says in the end; it fails with what the page throws. */
async function saidBy(page: Page, url: string, until: string): Promise<string> {
  const thrown = new Promise<never>((_, reject) => page.on('pageerror', reject));
  await page.goto(url);
  await Promise.race([page.waitForFunction(until), thrown]);
  return (await page.textContent('body')) ?? '';
}

describe('in a browser', () => {
  beforeAll(bundle);

  it('the bundle of a test needs nothing of Node', () => {
    const scripts = readdirSync(join(built, 'assets')).filter((name) => name.endsWith('.js'));
    expect(scripts.length).toBeGreaterThanOrEqual(2);
    for (const name of scripts) {
      const code = readFileSync(join(built, 'assets', name), 'utf8');
      // The second is what the bundler puts in the place of a module of Node's.
      expect(code).not.toMatch(/\b(?:from|import|require)\b\s*\(?\s*["'`]node:/);
      expect(code).not.toMatch(/browser-external|externalized for browser/);
    }
  });

  it('tests come out as in Node', async ({ skip }) => {
    const why = whyNoBrowser();
    if (why !== null) skip(why);
    const expected = inOrder((await testsOfDocs()).map(inNode));
    expect(expected.map(({ verdict }) => verdict).sort()).toEqual(['holds', 'violated', 'violated', 'violated']);
    await withBrowser(built, async (browser, url) => {
      const page = await browser.newPage();
      const said = await saidBy(page, `${url}/all.html`, "document.body.textContent.startsWith('[')");
      expect(inOrder(JSON.parse(said) as Came[])).toEqual(expected);
    });
  });

  it('the page of docs/checker.md shows the lost update', async ({ skip }) => {
    const why = whyNoBrowser();
    if (why !== null) skip(why);
    expect(CHECKER_PAGES.map(({ name }) => name)).toEqual(['page.ts']);
    await withBrowser(built, async (browser, url) => {
      const page = await browser.newPage();
      const said = await saidBy(page, `${url}/page.html`, "document.body.textContent.includes('executions')");
      expect(said).toMatch(/^violated, 2 executions\n/);
      expect(said).toMatch(/^ +3 +counter: 0 -> 1$/m);
    });
  });
});

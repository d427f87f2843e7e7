/** What the installed package ships beside its code: its version, the traces of `lab`, the chart library's files. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { assert } from '../base/assert.ts';

const require = createRequire(import.meta.url);
/** From dist/node, and from src/node just as well. */
const root = new URL('../../', import.meta.url);

export function packageVersion(): string {
  const { version }: { version?: unknown } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
  assert(typeof version === 'string', 'package.json has no version');
  return version;
}

/** The command's own file, for processes that it starts. */
export function mainPath(): string {
  return fileURLToPath(new URL('../cli/main.js', import.meta.url));
}

/** The bundled traces, as paths, in the order of their names. */
export function labTraces(): readonly string[] {
  const folder = new URL('fixtures/lab/', root);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.gz'))
    .sort()
    .map((name) => fileURLToPath(new URL(name, folder)));
}

export function chartAssets(): { readonly uplotJs: string; readonly uplotCss: string } {
  return {
    uplotJs: readFileSync(require.resolve('uplot/dist/uPlot.iife.min.js'), 'utf8'),
    uplotCss: readFileSync(require.resolve('uplot/dist/uPlot.min.css'), 'utf8'),
  };
}

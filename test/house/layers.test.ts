/**
 * The layers and the arrows between them (docs/architecture.md): an allow-list. Below node/ and cli/
 * everything runs in a browser as it is, so nothing there may know of Node.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SRC = resolve(dirname(fileURLToPath(import.meta.url)), '../../src');
const TEST = resolve(SRC, '../test');

const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  base: [],
  check: ['base'],
  hw: ['base'],
  kernel: ['base', 'hw'],
  designs: ['base', 'hw', 'kernel'],
  sim: ['base', 'hw', 'kernel', 'designs'],
  trace: ['base', 'hw'],
  lab: ['base', 'check', 'hw', 'kernel', 'designs', 'sim', 'trace'],
  node: ['base', 'check', 'hw', 'kernel', 'designs', 'sim', 'trace', 'lab'],
  cli: ['base', 'check', 'hw', 'kernel', 'designs', 'sim', 'trace', 'lab', 'node'],
  web: ['base', 'check', 'hw', 'kernel', 'designs', 'sim', 'trace', 'lab'],
};
/** Where node types and packages may be used. */
const ON_NODE = ['node', 'cli'];
/** Layers without one door: programs, and what a program loads file by file when a command needs it. */
const BY_FILE = ['node', 'cli', 'web'];

interface Source {
  /** Path below src. */
  readonly name: string;
  readonly layer: string;
  readonly isTest: boolean;
  /** Without comments. */
  readonly code: string;
  readonly imports: readonly string[];
}

const SOURCES: readonly Source[] = readdirSync(SRC, { recursive: true })
  .map(String)
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => {
    const code = withoutComments(readFileSync(join(SRC, name), 'utf8'));
    return {
      name,
      layer: name.split(/[\\/]/)[0] ?? '',
      isTest: /\.test\.tsx?$/.test(name),
      code,
      imports: [...code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g)].map((match) => match[1] ?? ''),
    };
  });
const LAYERS = [...new Set(SOURCES.map(({ layer }) => layer))].sort();
const PRODUCT = SOURCES.filter(({ isTest }) => !isTest);

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '');
}

/** Layer of an imported file, or "test", or undefined for a package. */
function layerOf(source: Source, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  const path = resolve(SRC, dirname(source.name), specifier);
  if (!relative(TEST, path).startsWith('..')) return 'test';
  const inside = relative(SRC, path);
  return inside.startsWith('..') ? `outside of src: ${specifier}` : inside.split(/[\\/]/)[0];
}

describe('the arrows', () => {
  it('name each layer that there is', () => {
    expect(LAYERS.filter((layer) => ALLOWED[layer] === undefined)).toEqual([]);
  });

  it('point down only', () => {
    const order = ['base', 'check', 'hw', 'kernel', 'designs', 'sim', 'trace', 'lab', 'node', 'cli'];
    for (const [i, layer] of order.entries()) {
      for (const below of ALLOWED[layer] ?? []) expect(order.indexOf(below), `${layer} -> ${below}`).toBeLessThan(i);
    }
    expect(Object.values(ALLOWED).flat()).not.toContain('cli');
    expect(ALLOWED['web']).not.toContain('node');
  });

  for (const layer of LAYERS) {
    it(`of ${layer}: ${ALLOWED[layer]?.join(', ') || 'none'}`, () => {
      const wrong = SOURCES.filter((source) => source.layer === layer).flatMap((source) =>
        source.imports
          .map((specifier) => ({ specifier, target: layerOf(source, specifier) }))
          .filter(({ target }) => target !== undefined && target !== layer)
          .filter(({ target }) => !(source.isTest && target === 'test') && !ALLOWED[layer]?.includes(target ?? ''))
          .map(({ specifier }) => `src/${source.name} imports ${specifier}`),
      );
      expect(wrong).toEqual([]);
    });
  }
});

describe('outside of node/ and cli/', () => {
  const portable = PRODUCT.filter(({ layer }) => !ON_NODE.includes(layer));

  it('nobody imports from Node, or a package', () => {
    const wrong = portable
      .filter(({ layer }) => layer !== 'web')
      .flatMap(({ name, imports }) =>
        imports.filter((specifier) => !specifier.startsWith('.')).map((s) => `${name}: ${s}`),
      );
    expect(wrong).toEqual([]);
  });

  it('nobody uses Buffer, process or another global of Node', () => {
    // A model may have a process of its own, which has none of what Node's has.
    const globals = /(?<![\w.$'"-])(Buffer|require|__dirname|__filename|setImmediate|global)\s*[.([]/;
    const ofProcess =
      /(?<![\w.$'"-])process\s*(\[|\??\.\s*(arch|argv|binding|chdir|cwd|emitWarning|env|exit|exitCode|hrtime|kill|memoryUsage|nextTick|off|on|once|pid|platform|release|stderr|stdin|stdout|umask|uptime|versions?)\b)/;
    const usesNode = (code: string) => globals.test(code) || ofProcess.test(code);
    expect(portable.filter(({ code }) => usesNode(withoutText(code))).map(({ name }) => name)).toEqual([]);
  });

  it('nobody uses the DOM, a clock, a timer, Math.random or the console', () => {
    const models = portable.filter(({ layer }) => layer !== 'web' && layer !== 'lab');
    const globals = /(?<![\w.$'"-])(document|window|navigator|console|performance|Date|setTimeout|Math\.random)\s*[.(]/;
    expect(models.filter(({ code }) => globals.test(withoutText(code))).map(({ name }) => name)).toEqual([]);
  });
});

describe('every file', () => {
  it('exports by name', () => {
    expect(
      PRODUCT.filter(({ code }) => /\bexport\s+default\b/.test(withoutText(code))).map(({ name }) => name),
    ).toEqual([]);
  });

  it('has the cast to a brand in src/base/brands.ts alone', () => {
    const brand = /\bas (Vpn|Pfn|Va|Iova|Pa|Pasid|DomainId|SourceId|Cycles)\b/;
    const casting = PRODUCT.filter(({ code }) => brand.test(code)).map(({ name }) => name);
    expect(casting).toEqual([join('base', 'brands.ts')]);
  });
});

describe('every layer', () => {
  for (const layer of LAYERS) {
    it(`${layer} has a door and a README of at most 15 lines`, () => {
      if (!BY_FILE.includes(layer)) expect(existsSync(join(SRC, layer, 'index.ts')), 'index.ts').toBe(true);
      const readme = join(SRC, layer, 'README.md');
      expect(existsSync(readme), 'README.md').toBe(true);
      expect(readFileSync(readme, 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(15);
    });
  }

  it('has a door that lists names', () => {
    const doors = PRODUCT.filter(({ name }) => /^[^\\/]+[\\/]index\.ts$/.test(name));
    // brands.ts is one list of names already.
    const stars = doors.filter(({ code }) => /export \* from '(?!\.\/brands\.ts)/.test(code));
    expect(stars.map(({ name }) => name)).toEqual([]);
  });
});

/** Code without what stands in quotes: text may speak of anything. */
function withoutText(code: string): string {
  return code
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
    .replace(/"(?:[^"\\\n]|\\.)*"/g, '""')
    .replace(/`(?:[^`\\]|\\.)*`/g, '``');
}

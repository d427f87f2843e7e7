/** The tool that takes kernel and designs apart: what it makes of a small flow does, without each of its steps, what is left of it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Site } from '../../src/lab/necessity/apart.ts';
import { scratchFolder } from '../cli/tablewalk.ts';

interface Tool {
  writeApart(root: string, dist: string): Promise<readonly Site[]>;
}

const tool = (await import(new URL('../../tools/apart.mjs', import.meta.url).href)) as Tool;

const FLOW = `
import { ATOMIC, LOCKED, MFENCE, until } from '../base/index.ts';
import { helper } from './straight.ts';
export function* flow(this: Kernel, lock: Lock, log: string[], stale: boolean): Flow<number> {
  yield lock.acquire();
  yield;
  log.push('store');
  yield MFENCE;
  if (stale) return 1;
  yield LOCKED;
  log.push('atomic'); // and what it is for
  yield until(world, 'ready', () => true);
  if (!stale) {
    yield* this.flush_all('flush');
  }
  yield* this.put_page(helper('put'));
  this.observe_it();
  yield lock.release();
  return 2;
}
export function sva_ops(this: Kernel, flush: Call) {
  return { start: () => 1, flush };
}
`;

const folder = scratchFolder();
const source = join(folder, 'src');
for (const layer of ['base', 'kernel', 'designs']) {
  mkdirSync(join(source, layer), { recursive: true });
  mkdirSync(join(folder, 'dist', layer), { recursive: true });
}
writeFileSync(join(source, 'kernel', 'flow.ts'), FLOW);
writeFileSync(join(source, 'kernel', 'straight.ts'), 'export const helper = (text: string): string => text;\n');
writeFileSync(join(source, 'kernel', 'index.ts'), "export * from './flow.ts';\n");
writeFileSync(
  join(source, 'designs', 'one.ts'),
  "import type { Kernel } from '../kernel/index.ts';\nexport const one = 1;\n",
);
writeFileSync(join(folder, 'dist', 'kernel', 'straight.js'), 'export const helper = (text) => text;\n');
writeFileSync(
  join(folder, 'dist', 'base', 'index.js'),
  "export const [ATOMIC, LOCKED, MFENCE] = ['ATOMIC', 'LOCKED', 'MFENCE'];\nexport const until = (_, label) => 'until '.concat(label);\nglobalThis.world = null;\n",
);
writeFileSync(join(folder, 'dist', 'package.json'), '{ "type": "module" }\n');
const SITES = await tool.writeApart(folder, join(folder, 'dist'));

interface Switch {
  readonly cuts: { active: number; seen: Set<number>; fired: (() => void) | null };
}
interface Flows {
  flow(this: object, lock: object, log: string[], stale: boolean): Generator<string | undefined, number>;
  sva_ops(this: object, flush: () => number): { start?: () => number; flush?: () => number };
}

const apart = (name: string): Promise<unknown> => import(join(folder, 'dist', 'apart', name));
const { cuts } = (await apart('switch.js')) as Switch;
const flows = (await apart('kernel/index.js')) as Flows;

/** What the flow announces and does, in order, without one of its steps. */
function run(site: number, stale = false): readonly string[] {
  cuts.active = site;
  const log: string[] = [];
  const lock = { acquire: () => 'acquire', release: () => 'release' };
  const kernel = {
    *flush_all(text: string) {
      log.push(text);
    },
    *put_page(text: string) {
      log.push(text);
    },
    observe_it: () => log.push('observed'),
  };
  const flow = flows.flow.call(kernel, lock, log, stale);
  for (let next = flow.next(); ; next = flow.next()) {
    if (next.done === true) return [...log, `returns ${next.value}`];
    log.push(next.value ?? '.');
  }
}

const WHOLE = 'acquire . store MFENCE LOCKED atomic until ready flush put observed release returns 2'.split(' ');

function without(kind: Site['kind'], text: string): number {
  const found = SITES.findIndex((site) => site.kind === kind && site.text.replace(/ +/g, ' ').includes(text));
  expect(found, `${kind} ${text}`).not.toBe(-1);
  return found;
}

const joined = (site: number, stale = false): string => run(site, stale).join(' ');

describe('a flow that is taken apart', () => {
  it('is what it was while nothing is left out', () => {
    expect(joined(-1)).toBe(WHOLE.join(' '));
    expect(joined(-1, true)).toBe('acquire . store MFENCE returns 1');
  });

  it('lacks what is left out', () => {
    expect(joined(without('fence', 'MFENCE'))).toContain('store . LOCKED');
    expect(joined(without('locked', 'LOCKED'))).toContain('MFENCE . atomic');
    expect(joined(without('wait', 'ready'))).toContain('atomic . flush');
    expect(joined(without('lock', 'lock.acquire'))).toBe(
      '. . store MFENCE LOCKED atomic until ready flush put observed . returns 2',
    );
    expect(joined(without('store', "'store'"))).toContain('acquire . MFENCE');
    expect(joined(without('flush', 'flush_all'))).not.toContain('flush');
    expect(joined(without('reference', 'put_page'))).not.toContain('put');
  });

  it('goes on where a check is left out, and does what another guards', () => {
    const leaves = without('guard', 'if (stale) return 1');
    expect(joined(leaves, true)).toContain('MFENCE LOCKED');
    const enters = without('guard', 'if (!stale) …');
    cuts.active = leaves;
    expect(joined(enters)).toBe(WHOLE.join(' '));
  });

  it('does neighbours in the other order', () => {
    const swap = without('swap', "log.push('store') <-> ");
    expect(joined(swap)).toBe('acquire MFENCE . store LOCKED atomic until ready flush put observed release returns 2');
    const narrowed = without('swap', 'lock.acquire()');
    expect(joined(narrowed)).toMatch(/^\. store acquire MFENCE/);
  });

  it('says what it came to, and when it would have done it', () => {
    cuts.seen = new Set();
    let fired = 0;
    cuts.fired = () => fired++;
    run(without('flush', 'flush_all'));
    cuts.fired = null;
    expect(fired).toBe(1);
    expect(cuts.seen).toContain(without('reference', 'put_page'));
    cuts.seen = new Set();
    run(-1, true);
    expect(cuts.seen).not.toContain(without('reference', 'put_page'));
  });

  it('gives no call-back that is left out', () => {
    const flush = (): number => 2;
    cuts.active = -1;
    expect(Object.keys(flows.sva_ops.call({}, flush))).toEqual(['start', 'flush']);
    cuts.active = without('call-back', 'flush');
    expect(flows.sva_ops.call({}, flush).flush).toBeUndefined();
    cuts.active = without('call-back', 'start');
    expect(flows.sva_ops.call({}, flush)).toEqual({ start: undefined, flush });
  });

  it('has no site for observers, and each site says where it stands', () => {
    expect(SITES.some(({ text }) => text.includes('observe_'))).toBe(false);
    const lines = FLOW.split('\n');
    for (const { file, kind, line, text } of SITES) {
      expect(file).toBe('src/kernel/flow.ts');
      if (kind === 'store' || kind === 'flush') expect(lines[line - 1]).toContain(text);
    }
  });

  it('is copied alone: what has no flow is imported from where it is', () => {
    const copy = readFileSync(join(folder, 'dist/apart/kernel/flow.js'), 'utf8');
    expect(copy).toMatch(/from ["']\.\.\/\.\.\/kernel\/straight\.js["']/);
    expect(copy).toMatch(/from ["']\.\.\/\.\.\/base\/index\.js["']/);
  });
});

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { conformanceSchema } from '../schema/conformance.ts';
import { ended, lines, root, scratchFolder, start, tablewalk } from './tablewalk.ts';

const folder = scratchFolder();
const golden = (name: string): string => join(root, 'fixtures', 'golden', `${name}.jsonl.gz`);
const legacy = golden('legacy');
const text = gunzipSync(readFileSync(legacy)).toString();
const [header = '', ...cases] = lines(text);
const few = [header, ...cases.slice(0, 20)].join('\n');

function scratch(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** The parts of a case that hostile ones change. */
interface Case {
  id: unknown;
  cfg: unknown;
  kind: unknown;
  regs: Record<string, unknown>;
  mem: unknown;
  steps: unknown;
}
interface Header {
  header: unknown;
  qemu: unknown;
  ram: unknown;
  configs: Record<string, Record<string, unknown>>;
}

const parsed = (line: string) => JSON.parse(line) as Case & { steps: Record<string, unknown>[] };
const firstWith = (op: string) => parsed(cases.find((line) => line.includes(`"op":"${op}"`))!);

/** A case that has a step of this kind, changed, behind the header. */
function changed(op: string, change: (golden: Case, step: Record<string, unknown>) => void): string {
  const found = firstWith(op);
  change(found, found.steps.find((step) => step['op'] === op)!);
  return `${header}\n${JSON.stringify(found)}\n`;
}

function headed(change: (object: Header) => void): string {
  const object = JSON.parse(header) as Header;
  change(object);
  return `${JSON.stringify(object)}\n${cases[0]}\n`;
}

async function conformance(args: readonly string[], input?: string | Buffer) {
  const done = await tablewalk(['conformance', '--json', ...args], input === undefined ? {} : { input });
  expect(lines(done.stdout)).toHaveLength(1);
  return { ...done, ...conformanceSchema.parse(JSON.parse(done.stdout)) };
}

describe('conformance --json', () => {
  it('has the recorded files in the order of the command line, and ends with 0', async () => {
    const { code, files, stderr, stdout } = await conformance([golden('scalable'), legacy]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(Object.keys(JSON.parse(stdout) as object)).toEqual(['schema', 'command', 'files']);
    expect(files.map(({ file, disagree }) => [file, disagree])).toEqual([
      [golden('scalable'), []],
      [legacy, []],
    ]);
    for (const { agree, classes, steps } of files) {
      expect(classes.reduce((sum, row) => sum + row.steps, 0)).toBe(steps);
      expect(classes.reduce((sum, row) => sum + row.agree, 0)).toBe(agree);
    }
  });

  it('reads the same from plain text, from standard input, with CRLF, and without an end of the last line', async () => {
    const { files } = await conformance([scratch('few.jsonl', `${few}\n`)]);
    const crlf = scratch('crlf.jsonl', `\ufeff${few.replaceAll('\n', '\r\n')}\r\n\r\n`);
    const others = await Promise.all([
      conformance([scratch('no-end.jsonl', few)]),
      conformance([crlf]),
      conformance(['-'], few),
      conformance(['-'], gzipSync(few)),
    ]);
    expect(files[0]?.cases).toBe(20);
    for (const other of others) expect({ ...other.files[0], file: '' }).toEqual({ ...files[0], file: '' });
    expect(others[2]?.files[0]?.file).toBe('standard input');
  });

  it('names case and step of a difference without a name, and ends with 1', async () => {
    const file = changed('dma', (_, step) => {
      step['qemu'] = { ok: '0x1f00000' };
    });
    const { code, files } = await conformance([scratch('wrong.jsonl', file)]);
    const { id, steps } = firstWith('dma');
    const step = steps.findIndex(({ op }) => op === 'dma');
    expect({ code, disagree: files[0]?.disagree }).toMatchObject({
      code: 1,
      disagree: [{ id, step, theirs: '{"ok":"0x1f00000"}' }],
    });
  });
});

describe('conformance for people', () => {
  it('has a line a file, and each deviation with its rule', async () => {
    const { code, stdout, stderr } = await tablewalk(['conformance', legacy]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines(stdout)[0]).toBe(`${legacy}: 376 cases, 1044 answers, 1017 agree, 0 unnamed, 9 unsure`);
    expect(stdout).toMatch(/^ +10 {2}cached-without-right \(right: ours\)\n +rule: .*\n +seen: /m);
    expect(stdout).not.toContain('\x1b');
    expect(stdout).not.toMatch(/^ +outcome /m);
  });

  it('-v adds counts by outcome and kind', async () => {
    const { stdout } = await tablewalk(['conformance', '-v', legacy]);
    expect(stdout).toMatch(/^ {2}outcome +kind +steps +agree$/m);
    expect(stdout).toMatch(/^ {2}fault 0x05 +tree +\d+ +\d+$/m);
  });

  it('shows twenty differences without a name, and says how many more there are', async () => {
    const wrong = cases.slice(0, 100).map((line) => {
      const object = parsed(line);
      const steps = object.steps.map((step) => (step['op'] === 'dma' ? { ...step, qemu: { ok: '0x1f00000' } } : step));
      return JSON.stringify({ ...object, steps });
    });
    const { code, stdout } = await tablewalk(['conformance', scratch('many.jsonl', [header, ...wrong].join('\n'))]);
    expect(code).toBe(1);
    expect(lines(stdout).filter((line) => /^ {2}case \d+, step \d+: ours .*, theirs /.test(line))).toHaveLength(20);
    expect(stdout).toMatch(/… and \d+ more \(--json has all\)/);
  });

  it('does not let a kind drive the terminal', async () => {
    const file = changed('dma', (object) => {
      object.kind = 'a\x1b[31m\nb';
    });
    const { code, stdout } = await tablewalk(['conformance', '-v', scratch('kind.jsonl', file)]);
    expect(code).toBe(0);
    expect(stdout).toContain('a\\x1b[31m\\x0ab');
    expect(stdout).not.toContain('\x1b');
  });
});

const WAITS = Array.from({ length: 10_000 }, () => ['0x25', '0xf03008']);

describe('inputs that cannot be read: one line that names them, exit 2', () => {
  const xz = Buffer.from('fd377a585a000004e6d6b446', 'hex');
  const binary = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * i) % 256));
  const dma = (step: object) =>
    changed('dma', (_, found) => {
      Object.assign(found, step);
    });
  const answer = (qemu: unknown) => dma({ qemu });
  const config = (values: object) =>
    headed(({ configs }) => {
      Object.assign(Object.values(configs)[0]!, values);
    });
  const queued = (desc: unknown, iqa?: string) =>
    changed('qi', (object, found) => {
      if (iqa !== undefined) object.regs['iqa'] = iqa;
      found['desc'] = desc;
    });
  const inputs: readonly (readonly [name: string, content: string | Uint8Array, says: RegExp])[] = [
    ['an empty file', '', /:1: there is nothing in this file/],
    ['blank lines', '\n\n\n', /there is nothing in this file/],
    ['only a header', header, /:2: there is a header, and no case behind it/],
    ['an empty gzip file', gzipSync(''), /there is nothing in this file/],
    ['a binary file', binary, /:1: this is no text/],
    ['text that ends within a character', Buffer.concat([Buffer.from(few), Buffer.from([0xe2, 0x82])]), /no text/],
    ['xz', xz, /packed with xz \(unpack it: xz -dc FILE \| tablewalk conformance -\)/],
    [
      'gzip that ends early',
      readFileSync(legacy).subarray(0, 2000),
      /gzip data ends too early \(copy the file again\)/,
    ],
    ['a last line that is cut', few.slice(0, -30), /:21: this is no case of a golden file: .*JSON/],
    ['a line that is no JSON', `${header}\n${cases[0]}\nnonsense\n`, /:3: this is no case of a golden file: .*JSON/],
    ['prose', 'It was a dark\nand stormy night.\n', /:1: the first line is no header of a golden file: .*JSON/],
    ['no header', `${cases[0]}\n`, /:1: the first line is no header of a golden file: header is not 1/],
    ['a second header', `${few}\n${header}\n`, /:22: this is no case of a golden file: regs is no object/],
    ['a line of 20 MiB', `${header}\n${' '.repeat(20 * 2 ** 20)}\n`, /:2: a line is longer than 16 MiB/],
    ['deep nesting', `${header}\n${'['.repeat(2 ** 20)}\n`, /:2: this is no case of a golden file/],
    ['a list for a case', `${header}\n[]\n`, /the line is no object/],
    ['null for a case', `${header}\nnull\n`, /the line is no object/],
    ['a cfg that is unknown', dma({}).replace(/"cfg":"\w+"/, '"cfg":"l99"'), /cfg l99 is not in the header/],
    ['a cfg that is no string', dma({}).replace(/"cfg":"\w+"/, '"cfg":7'), /cfg is no string/],
    ['a cfg of objects', dma({}).replace(/"cfg":"\w+"/, '"cfg":"__proto__"'), /cfg __proto__ is not in the header/],
    ['haw 0', config({ haw: 0 }), /configs\.\w+\.haw lies outside 32 to 52/],
    ['haw 64', config({ haw: 64 }), /haw lies outside 32 to 52/],
    ['haw as text', config({ haw: '48' }), /haw is no whole number/],
    ['fault records beyond the registers', config({ cap: '0xffffffffffffffff' }), /registers lie beyond their page/],
    ['no configs', headed((object) => Object.assign(object, { configs: {} })), /configs is empty/],
    ['RAM that ends before it begins', headed((o) => Object.assign(o, { ram: [['0x2000', '0x1000']] })), /ram\[0\]/],
    ['RAM of bytes', headed((o) => Object.assign(o, { ram: [['0x0', '0x1234']] })), /ram\[0\] is no range of 4 KiB/],
    ['another program', headed((o) => Object.assign(o, { qemu: 'bochs' })), /qemu has no "version N\.N" in it/],
    ['no rtaddr', changed('dma', ({ regs }) => delete regs['rtaddr']), /regs\.rtaddr is no hexadecimal string/],
    ['a source id of 17 bits', dma({ rid: 0x10000 }), /steps\[\d+\]\.rid is larger than 0xffff/],
    ['a negative source id', dma({ rid: -1 }), /rid is no whole number/],
    ['an address of 68 bits', dma({ addr: '0x10000000000000000' }), /addr is no hexadecimal string of 64 bits/],
    ['an address as a number', dma({ addr: 4096 }), /addr is no hexadecimal string/],
    ['a write of "yes"', dma({ write: 'yes' }), /write is neither true nor false/],
    ['an unknown step', dma({ op: 'jump' }), /op is none of dma, mem, qi, reg, peek/],
    ['no answer', answer(undefined), /qemu is no object/],
    ['an answer of nothing', answer({}), /qemu has neither ok, fault nor blocked/],
    ['two answers', answer({ ok: '0x0', blocked: true }), /qemu has ok and blocked/],
    ['half a fault', answer({ fault: 5 }), /qemu\.sid is no whole number/],
    ['steps that are no list', dma({}).replace(/"steps":.*/, '"steps":{}}'), /steps is no list/],
    [
      'memory outside RAM',
      changed('dma', (o) => Object.assign(o, { mem: [['0xfffffffffffff000', '0x1']] })),
      /lies outside ram/,
    ],
    [
      'memory at an odd address',
      changed('dma', (o) => Object.assign(o, { mem: [['0x1001', '0x1']] })),
      /no multiple of 8/,
    ],
    [
      'memory of three',
      changed('dma', (o) => Object.assign(o, { mem: [['0x0', '0x1', '0x2']] })),
      /mem\[0\] is no list of two/,
    ],
    ['10,000 descriptors', queued(WAITS), /desc: the queue has 256 places, and a case may not fill it/],
    ['a descriptor of one word', queued([['0x25']]), /desc has a descriptor that is not of 2 words/],
    ['a queue that is nowhere', changed('qi', ({ regs }) => delete regs['iqa']), /is for a queue, and regs has no iqa/],
    [
      'wait as text',
      changed('qi', (_, s) => Object.assign(s, { qemu: { wait: 'true', head: 1, iqe: 0 } })),
      /wait is neither/,
    ],
    [
      'a register of nothing',
      changed('reg', (_, s) => Object.assign(s, { qemu: {} })),
      /after is no hexadecimal string/,
    ],
  ];
  for (const [name, content, says] of inputs) {
    it(name, async () => {
      const path = scratch('input.jsonl', content);
      const { code, stdout, stderr } = await tablewalk(['conformance', path]);
      expect(lines(stderr)).toEqual([expect.stringMatching(says)]);
      expect(stderr.startsWith(`tablewalk: ${path}:`)).toBe(true);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    });
  }

  it('a file that is not there, a directory, standard input twice', async () => {
    for (const [args, says] of [
      [[join(folder, 'nothing')], /there is no such file/],
      [[folder], /this is a directory, not a file \(name the golden files in it\)/],
      [['-', '-'], /standard input can be read only once/],
      [[], /missing required argument 'FILE'/],
    ] as const) {
      const { code, stdout, stderr } = await tablewalk(['conformance', ...args]);
      expect(lines(stderr)).toEqual([expect.stringMatching(says)]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    }
  });

  it('reports the good files of several all the same', async () => {
    const bad = scratch('bad.jsonl', `${header}\nnonsense\n`);
    const { code, files, stderr } = await conformance([join(folder, 'nothing'), legacy, bad, golden('scalable')]);
    expect({ code, files: files.map(({ file }) => file) }).toEqual({ code: 2, files: [legacy, golden('scalable')] });
    expect(lines(stderr)).toHaveLength(2);
  });
});

describe('numbers that are odd but possible', () => {
  it('a queue of the largest size, or where no memory is, is a queue', async () => {
    const large = changed('qi', ({ regs }) => {
      regs['iqa'] = '0xf10007';
    });
    expect((await conformance([scratch('large.jsonl', large)])).files[0]?.disagree).toEqual([]);
    const nowhere = changed('qi', ({ regs }) => {
      regs['iqa'] = '0xfffffffffffff000';
    });
    const { code, files } = await conformance([scratch('nowhere.jsonl', nowhere)]);
    expect({ code, unnamed: files[0]?.disagree.length }).not.toEqual({ code: 0, unnamed: 0 });
  });

  it('2,001 descriptors in a queue that has room for them come to their end', async () => {
    const file = changed('qi', ({ regs }, step) => {
      regs['iqa'] = '0xf10007';
      step['desc'] = [...(step['desc'] as unknown[]), ...WAITS.slice(0, 2000)];
      step['qemu'] = { wait: true, head: 2002, iqe: 0 };
    });
    expect((await conformance([scratch('long.jsonl', file)])).files[0]?.disagree).toEqual([]);
  });

  it('any capabilities', async () => {
    for (const cap of ['0x0', '0x00fffff000ffffff']) {
      for (const ecap of ['0x0', '0xffffffffff00ffff']) {
        const file = headed(({ configs }) => {
          for (const config of Object.values(configs)) Object.assign(config, { cap, ecap });
        });
        const { code, stderr } = await tablewalk([
          'conformance',
          scratch('caps.jsonl', `${file}${cases.slice(1, 100).join('\n')}`),
        ]);
        expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
      }
    }
  });
});

describe('conformance, interrupted', () => {
  it('reports the files that are done, and ends with 130', async () => {
    const child = start(['conformance', '--json', legacy, '-']);
    const end = ended(child);
    child.stdin?.write(few);
    await new Promise((done) => setTimeout(done, 2500));
    child.kill('SIGINT');
    const { code, stdout, stderr } = await end;
    child.stdin?.destroy();
    expect({ code, files: conformanceSchema.parse(JSON.parse(stdout)).files.map(({ file }) => file) }).toEqual({
      code: 130,
      files: [legacy],
    });
    expect(stderr).toContain('interrupted');
  });
});

import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LITMUS } from '../../src/lab/litmus/index.ts';
import { storedVerdict } from '../../src/lab/litmus/stored.ts';
import { checkSchema } from '../schema/check.ts';
import { counterexampleSchema } from '../schema/counterexample.ts';
import { necessitySchema } from '../schema/necessity.ts';
import { ended, lines, main, scratchFolder, start, tablewalk } from './tablewalk.ts';

const folder = scratchFolder();
const L01 = LITMUS.filter(({ scenario }) => scenario.startsWith('L01'));
const AS_IT_WAS = 'L01 freed at mmput / as it was';

async function document(...args: readonly string[]) {
  const { code, stdout, stderr } = await tablewalk(['check', ...args, '--json']);
  expect({ lines: lines(stdout).length, stderr }).toEqual({ lines: 1, stderr: '' });
  return { code, ...checkSchema.parse(JSON.parse(stdout)) };
}

describe('check --all', () => {
  it('has a row a test, in their order, however many threads run them', async () => {
    for (const workers of ['1', '2']) {
      const { code, results } = await document('--all', '--scenario', 'L01', '--workers', workers);
      expect(code).toBe(0);
      expect(results.map(({ name, verdict, executions }) => ({ name, verdict, executions }))).toEqual(
        L01.map(({ name }) => {
          const { verdict, executions } = storedVerdict(name)!;
          return { name, verdict, executions };
        }),
      );
      expect(results[0]).toMatchObject({
        file: null,
        builtIn: { family: 'catalogue', designs: ['free-in-mmput'], leftOut: false, stored: { verdict: 'violated' } },
      });
    }
  });

  it('prints family, scenario, a line a test with its code, and the totals', async () => {
    const { code, stdout, stderr } = await tablewalk(['check', '--scenario', 'L01']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^catalogue\n.*\nL01 freed at mmput\n {2}Two processes/);
    expect(stdout).toMatch(/^ {2}violated +as it was +\d+ executions +\d+\.\d\d s {2}\d+ lines$/m);
    expect(stdout).not.toContain('schedule:');
    expect(lines(stdout).at(-1)).toBe(`${L01.length} tests: 1 holds, 2 violated; all as expected`);
  });

  it('chooses by design, alone or in a pair, and by a part of a name', async () => {
    const { results } = await document('--design', 'free-in-mmput', '--scenario', 'freed at', '-t', 'as it was');
    expect(results.map(({ name }) => name)).toEqual([AS_IT_WAS]);
  });

  it('shows in full what is not as expected, and ends with 1', async () => {
    const { code, stdout } = await tablewalk(['check', '--all', '-t', AS_IT_WAS, '--max-executions', '2']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^bounded {6}L01 freed at mmput \/ as it was {2}NOT EXPECTED \(expect: violated\)$/m);
  });

  it('ends with 130 when interrupted, on several threads too', async () => {
    for (const workers of ['1', '2']) {
      const endless = ['--scenario', 'L01', '--strategy', 'random', '--runs', '1000000000'];
      const child = start(['check', '--all', ...endless, '--workers', workers]);
      const end = ended(child);
      // When it is well under way.
      setTimeout(() => child.kill('SIGINT'), 2500);
      const { code, stderr } = await end;
      expect(code).toBe(130);
      expect(lines(stderr)).toEqual([expect.stringMatching(/^tablewalk: interrupted: \d+ of \d+ tests were done/)]);
    }
  });
});

describe('check NAME', () => {
  it('runs the test of that name and explains it, with what is known of it', async () => {
    const { code, stdout, stderr } = await tablewalk(['check', AS_IT_WAS]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [head, about] = lines(stdout);
    expect(head).toBe(`violated     ${AS_IT_WAS}  expected`);
    expect(about).toBe('  Two processes open a device, give it work and exit.');
    expect(stdout).toMatch(/^ {2}source: {2}2667ed10d9f0/m);
    expect(stdout).toMatch(/^ {2}design: {2}as it was \(free-in-mmput, \d+ lines\)$/m);
    expect(stdout).toMatch(/^ {2}bounds: {2}two CPUs/m);
    expect(stdout).toMatch(/^ {2}assertion: INV-1: /m);
  });

  it('shows of a long counterexample what matters, and all of it with --full', async () => {
    const brief = (await tablewalk(['check', AS_IT_WAS])).stdout;
    expect(brief).toMatch(/^ {2}\d+ of \d+ steps are shown, those that matter: --full shows all$/m);
    expect(brief).toMatch(/ … \d+ steps: syscall_enter … \w+$/m);
    expect(brief).toMatch(/ PASIDs\[0\]: mm A -> null +iommu_free_global_pasid$/m);
    const { code, stdout } = await tablewalk(['check', AS_IT_WAS, '--full']);
    expect(code).toBe(0);
    expect(stdout).not.toContain('those that matter');
    const all = Number(/of (\d+) steps/.exec(brief)?.[1]);
    expect(lines(stdout).filter((line) => /^ +\d+[> ] /.test(line))).toHaveLength(all);
  });

  it('prints a command that replays it as it is', async () => {
    const { stdout } = await tablewalk(['check', AS_IT_WAS]);
    const replay = /^ {2}replay: {3}tablewalk (.*)$/m.exec(stdout)?.[1];
    expect(replay).toMatch(/^check 'L01 freed at mmput \/ as it was' --schedule [\d:._c]+$/);
    const shell = spawn('sh', ['-c', `"${process.execPath}" "${main}" ${replay} --json`]);
    const { code, stdout: json } = await ended(shell);
    expect(code).toBe(0);
    expect(checkSchema.parse(JSON.parse(json)).results).toMatchObject([{ verdict: 'violated', executions: 1 }]);
  });

  it('takes a part of the names of several, whatever the case, and -t', async () => {
    const { results } = await document('l01', '--max-executions', '1');
    expect(results.map(({ name }) => name)).toEqual(L01.map(({ name }) => name));
    expect((await document('L01', '-t', 'as it was')).results.map(({ name }) => name)).toEqual([AS_IT_WAS]);
  });

  it('explores a long one in parts, writes its counterexample, and a checkpoint of it', async () => {
    const fixed = L01.find(({ design }) => design === 'fixed')!;
    const { results } = await document(fixed.name, '--workers', '2');
    expect(results).toMatchObject([{ verdict: 'holds', executions: storedVerdict(fixed.name)!.executions }]);
    const path = join(folder, 'counterexample.json');
    await document(AS_IT_WAS, '--counterexample', path);
    const written = counterexampleSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    expect(written.test).toBe(AS_IT_WAS);
    expect(written.steps.length).toBeGreaterThan(40);
    const left = join(folder, 'left.json');
    await document(fixed.name, '--checkpoint', left, '--max-executions', '20');
    expect((await document(fixed.name, '--resume', left)).results).toMatchObject([{ verdict: 'holds' }]);
  });
});

describe('check --necessity', () => {
  const FIXED = 'external: copy on write / flush-hook';

  it('says which step is needed, by which test, beside whom, and which are by nothing', async () => {
    const { code, stdout, stderr } = await tablewalk(['check', FIXED, '--necessity', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [report, ...others] = necessitySchema.parse(JSON.parse(stdout)).necessity;
    expect(others).toEqual([]);
    const step = (kind: string, text: string) =>
      report!.steps.find(({ site }) => site.kind === kind && site.text.includes(text));
    const needed = step('flush', 'this.sva_flush_device_tlbs')!;
    expect(needed).toMatchObject({ need: 'needed', fall: { test: FIXED, verdict: 'violated' } });
    expect(needed.fall!.message).toMatch(/^INV-5: dev0 reaches frame/);
    expect(needed.fall!.pairs[0]).toMatchObject({ lane: 'dev0', kind: 'read', object: 'dev0 TLB page 0' });
    // Devices before the IOTLB: the wrong fix of the catalogue, found by swapping neighbours.
    expect(step('swap', 'this.sva_flush_iotlb')).toMatchObject({ need: 'needed' });
    // The flush of a range's start does nothing here.
    expect(step('flush', 'this.mmu_notifier_invalidate_range_start')).toMatchObject({ need: 'by nothing', fall: null });
    expect(report!.tests).toMatchObject([{ name: FIXED, fallsWithout: { kind: expect.any(String) } }]);
    // The counterexample is one of that test without the step: it is the same as ever in the checker's eyes.
    expect(needed.fall!.counterexample!.steps.length).toBeLessThan(40);
  });

  it('prints interleavings, and comments for the kernel', async () => {
    const { code, stdout } = await tablewalk(['check', FIXED, '--necessity'], { env: { COLUMNS: '120' } });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^needed: without it a test falls \(\d+\)$/m);
    expect(stdout).toMatch(/^ {4}\/\* pairs with \w+\(\) in dev0, which reads dev0 TLB page 0 \*\/$/m);
    expect(stdout).toMatch(/^ +\d+ +\S.*sva_flush_iotlb$/m);
    expect(stdout).toContain('no test is vacuous');
  });

  it('shows a test that holds whatever is left out', async () => {
    const { stdout } = await tablewalk(['check', 'external: nobody walks / flush-hook', '--necessity']);
    expect(stdout).toMatch(/^vacuous: these hold whatever is left out.*\n {2}external: nobody walks \/ flush-hook \(/m);
  });

  it('has nothing to take apart where nothing holds', async () => {
    const { code, stdout } = await tablewalk([
      'check',
      'L23 window of start and end / wrong fix: at the end alone',
      '--necessity',
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain('no test holds, and there is nothing that could fall');
  });

  it('refuses files, and what it cannot be combined with', async () => {
    const test = join(folder, 'own.ts');
    writeFileSync(
      test,
      "import { defineTest } from 'tablewalk/check';\nexport const own = defineTest({ name: 'own', expect: 'holds', program: () => ({ threads: [] }) });\n",
    );
    for (const args of [[test], ['L23', '--memory', 'tso'], ['L23', '--strategy', 'random']]) {
      const { code, stderr } = await tablewalk(['check', ...args, '--necessity']);
      expect({ code, lines: lines(stderr).length }).toEqual({ code: 2, lines: 1 });
      expect(stderr).toContain('--necessity');
    }
  });
});

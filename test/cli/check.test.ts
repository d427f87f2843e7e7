import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CheckDocument, CheckEntry } from '../../src/cli/check-report.ts';
import { SUBPATHS } from '../../src/node/test-files.ts';
import { checkSchema } from '../schema/check.ts';
import { counterexampleSchema } from '../schema/counterexample.ts';
import { ended, lines, main, root, scratchFolder, start, tablewalk } from './tablewalk.ts';

const folder = scratchFolder();
const fixtures = join(root, 'fixtures', 'check');

/** `tablewalk check …` among the fixtures; `args` as a shell without quotes would split them, or as they are. */
async function check(args: string | readonly string[]) {
  return await tablewalk(['check', ...(typeof args === 'string' ? args.split(' ') : args)], { cwd: fixtures });
}

async function document(args: string): Promise<CheckDocument & { readonly code: number | null }> {
  const { code, stdout } = await check(`${args} --json`);
  expect(lines(stdout)).toHaveLength(1);
  return { ...checkSchema.parse(JSON.parse(stdout)), code };
}

function only(results: readonly CheckEntry[]): CheckEntry {
  expect(results).toHaveLength(1);
  return results[0]!;
}

describe('check --json', () => {
  it('has an entry for each test, in the order in which the file defines them', async () => {
    const { results, code, ...head } = await document('lost-update.ts');
    expect({ code, head }).toEqual({ code: 0, head: { schema: 1, command: 'check', errors: [] } });
    expect(
      results.map(({ name, verdict, property, schedule, counterexampleSteps }) => ({
        ...{ name, verdict, property, schedule, counterexampleSteps },
      })),
    ).toEqual([
      {
        name: 'lost update',
        verdict: 'violated',
        property: 'both updates count',
        schedule: '0.1:2.0',
        counterexampleSteps: 4,
      },
      { name: 'atomic update', verdict: 'holds', property: null, schedule: null, counterexampleSteps: null },
    ]);
    expect(results[1]).toMatchObject({ executions: 2, blocked: 0, limit: null, file: 'lost-update.ts', design: null });
  });

  it('takes arrays of tests: store buffering breaks under tso, and a fence mends it', async () => {
    const { results, code } = await document('store-buffering.ts');
    expect(code).toBe(0);
    expect(results.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['SB under sc', 'holds'],
      ['SB under tso', 'violated'],
      ['SB under tso, fenced', 'holds'],
    ]);
  });

  it('takes a default export: dekker holds', async () => {
    const { results, code } = await document('dekker.ts');
    expect({ code, verdict: only(results).verdict }).toEqual({ code: 0, verdict: 'holds' });
  });

  it('ends with 1 for a sometimes that never happens', async () => {
    const { results, code } = await document('vacuous.ts');
    expect(code).toBe(1);
    expect(only(results)).toMatchObject({ verdict: 'unreachable', property: 'the flag is set' });
  });

  it('ends with 1 for a verdict that is bounded, and says by what', async () => {
    const { results, code } = await document('endless.ts -t long --max-executions 10');
    expect(code).toBe(1);
    expect(only(results)).toMatchObject({ verdict: 'bounded', limit: 'executions', executions: 10 });
    expect(only((await document('endless.ts -t long --max-seconds 1')).results).limit).toBe('time');
    expect(only((await document('endless.ts -t endless')).results)).toMatchObject({
      verdict: 'bounded',
      limit: 'steps',
    });
  });

  it('keeps what the file prints away from stdout', async () => {
    const path = join(folder, 'noisy.ts');
    copyFileSync(join(fixtures, 'lost-update.ts'), join(folder, 'lost-update.ts'));
    writeFileSync(
      path,
      "import { kept } from './lost-update.ts';\nconsole.log('noise');\nexport const again = kept;\n",
    );
    const { code, stdout, stderr } = await check([path, '--json']);
    expect({ code, lines: lines(stdout).length, stderr }).toEqual({ code: 0, lines: 1, stderr: 'noise\n' });
  });
});

describe('check, strategies', () => {
  it('tells memory models, whatever the test says', async () => {
    const { results, code } = await document('store-buffering.ts --memory sc');
    expect(results.map(({ verdict }) => verdict)).toEqual(['holds', 'holds', 'holds']);
    expect(code).toBe(1);
  });

  it('each finds the lost update, and none but dpor and minimal proves anything', async () => {
    for (const strategy of ['minimal', 'minimal --cache', 'random --seed 3', 'pct --bound 2 --runs 200']) {
      const { results } = await document(`lost-update.ts --strategy ${strategy}`);
      expect(results[0]).toMatchObject({ verdict: 'violated', counterexampleSteps: 4 });
      expect(results[1]?.verdict).toBe(strategy.startsWith('minimal') ? 'holds' : 'bounded');
    }
  });

  it('replays the schedule of a counterexample, as it is', async () => {
    const { results, code } = await document('lost-update.ts -t lost --schedule 0.1:2.0');
    expect(code).toBe(0);
    expect(only(results)).toMatchObject({ verdict: 'violated', executions: 1, schedule: '0.1:2.0' });
    expect(only((await document('lost-update.ts -t lost --schedule 0:2.1:2')).results).verdict).toBe('bounded');
  });
});

describe('check for people', () => {
  it('prints a line a test, the counterexample, how to see it again, and the totals', async () => {
    const { code, stdout, stderr } = await check('lost-update.ts vacuous.ts');
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/^violated +lost update +2 executions +\S+ k? ?steps\/s +\d\.\d\d s {2}expected$/m);
    expect(stdout).toMatch(/^ {2}always: 'both updates count' does not hold at the end$/m);
    expect(stdout).toMatch(/counter: 0 -> 1 +lost-update\.ts:8$/m);
    expect(stdout).toMatch(/^ {2}schedule: 0\.1:2\.0$/m);
    expect(stdout).toMatch(/^unreachable +vacuous .* NOT EXPECTED \(expect: holds\)$/m);
    expect(lines(stdout).at(-1)).toBe('3 tests: 1 holds, 1 violated, 1 unreachable; 1 NOT EXPECTED');
  });

  it('prints a command that a shell takes as it is', async () => {
    const { stdout } = await check('lost-update.ts -t lost');
    const replay = /^ {2}replay: {3}tablewalk (.*)$/m.exec(stdout)?.[1];
    expect(replay).toBe("check lost-update.ts -t 'lost update' --schedule 0.1:2.0");
    const shell = spawn('sh', ['-c', `"${process.execPath}" "${main}" ${replay}`], { cwd: fixtures });
    expect(await ended(shell)).toMatchObject({ code: 0, stdout: expect.stringContaining('violated') });
  });

  it('tells tests of one name apart by their files', async () => {
    copyFileSync(join(fixtures, 'lost-update.ts'), join(folder, 'copy.ts'));
    const { stdout } = await check(['lost-update.ts', join(folder, 'copy.ts'), '-t', 'atomic update']);
    expect(lines(stdout)[0]).toContain('atomic update (lost-update.ts)');
    expect(lines(stdout)[1]).toContain(`atomic update (${join(folder, 'copy.ts')})`);
  });

  it('writes the first counterexample as JSON, and over its own files only', async () => {
    const path = join(folder, 'counterexample.json');
    for (const _ of [1, 2]) expect((await check(['lost-update.ts', '--counterexample', path])).code).toBe(0);
    const written = counterexampleSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    expect(written).toMatchObject({
      kind: 'counterexample',
      test: 'lost update',
      schedule: '0.1:2.0',
      lanes: ['first', 'second'],
    });
    const mine = join(folder, 'mine.json');
    writeFileSync(mine, '{}');
    const { code, stderr } = await check(['lost-update.ts', '--counterexample', mine]);
    expect({ code, lines: lines(stderr).length, text: readFileSync(mine, 'utf8') }).toEqual({
      code: 2,
      lines: 1,
      text: '{}',
    });
  });

  it('has a help with an example and the exit codes', async () => {
    const { code, stdout } = await check('--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(/Example:\n {2}\S[\s\S]*Exit codes:\n {2}0 /);
  });
});

describe('test files', () => {
  it('may lie anywhere, import each other, and be any kind of module', async () => {
    const nested = join(folder, 'a b', 'deep');
    mkdirSync(nested, { recursive: true });
    copyFileSync(join(fixtures, 'lost-update.ts'), join(folder, 'a b', 'lost-update.ts'));
    writeFileSync(join(nested, 'again.mts'), "export { kept } from '../lost-update.ts';\n");
    writeFileSync(
      join(nested, 'plain.cjs'),
      "const { defineTest } = require('tablewalk/check');\nmodule.exports = defineTest({ name: 'cjs', expect: 'holds', program: () => ({ threads: [(function* () { yield; })()] }) });\n",
    );
    const { code, stdout } = await tablewalk(['check', 'again.mts', 'plain.cjs', '--json'], { cwd: nested });
    expect(code).toBe(0);
    expect(checkSchema.parse(JSON.parse(stdout)).results.map(({ name }) => name)).toEqual(['atomic update', 'cjs']);
  });

  it('may import all that the package exports', () => {
    const { exports }: { exports: object } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const subpaths = Object.keys(exports).filter((name) => name !== './package.json');
    expect(Object.keys(SUBPATHS).sort()).toEqual(subpaths.map((name) => name.replace('.', 'tablewalk')).sort());
  });
});

function scratch(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** Long enough for workers, and wrong only there. */
const WORKER_EXITS = `import { isMainThread } from 'node:worker_threads';
import { Cell, defineTest, type Flow } from 'tablewalk/check';

function* writer(cell: Cell<number>, mine: number): Flow<void> {
  for (let i = 0; i < 7; i++) {
    yield;
    if (!isMainThread) process.exit();
    cell.store(mine);
  }
}

export const test = defineTest({
  name: 'x',
  expect: 'holds',
  program: (world) => {
    const cell = new Cell(world, 'cell', 0);
    return { threads: [writer(cell, 1), writer(cell, 2), writer(cell, 3)] };
  },
});
`;

describe('what cannot be checked: one line that says where and what to do, exit 2', () => {
  const define = "import { defineTest } from 'tablewalk/check';\n";
  const cases: readonly (readonly [name: string, args: string, says: RegExp])[] = [
    ['no file', '', /^no test is named \(tablewalk check my-test\.ts/],
    ['--all and a name', 'L01 --all', /^--all and filters choose among all built-in tests, and tests are named \(/],
    [
      'a family that is not there',
      '--family catalog-e',
      /^--family: no built-in test has a family called .*'catalogue'/,
    ],
    ['a design that is not there', '--all --design free-in-mput', /^--design: .*did you mean 'free-in-mmput'/],
    [
      'a built-in test that is not there',
      '--all -t frobnicate',
      /^-t: no test has 'frobnicate' in its name \(there are '/,
    ],
    ['a schedule for several built-in tests', 'L01 --schedule 0', /^--schedule: it is for one test, not for /],
    ['a file that is not there', 'nothing.ts', /^nothing\.ts: there is no such file/],
    ['a name that is not known', 'frobnicate', /^'frobnicate' is neither a file nor in the name of a built-in test \(/],
    ['a name that is nearly known', 'L0l', /^'L0l' is neither .*did you mean .*'L01 freed at mmput/],
    ['a directory', '.', /^\.: this is a directory, not a file \(name the test files in it\)/],
    ['a file of another kind', 'README.md', /^README\.md: this is no TypeScript or JavaScript file/],
    ['a syntax error', 'syntax-error.ts', /^syntax-error\.ts:5: syntax error: Unexpected token$/],
    ['a file that throws', 'throws.ts', /^throws\.ts:6: TypeError: Cannot read properties of undefined/],
    [
      'a file without tests',
      'no-tests.ts',
      /^no-tests\.ts: this file exports no tests \(export what defineTest returns/,
    ],
    [
      'a forgotten yield',
      'forgotten-yield.ts -t forgotten',
      /^forgotten-yield\.ts: test 'forgotten yield': thread 'careless' .*yield;/,
    ],
    ['a loop without a yield', 'stuck.ts', /^stuck\.ts: test 'stuck': .* \(put a `yield;` into each loop/],
    [
      'an import of what is not there',
      scratch('import.ts', "import { x } from './nowhere.ts';\nexport const y = x;\n"),
      /import\.ts: it imports '\.\/nowhere\.ts', which is not there/,
    ],
    [
      'a name that the package has not',
      scratch('name.ts', `import { deTest } from 'tablewalk/check';\nexport const y = deTest({});\n`),
      /name\.ts:2: 'tablewalk\/check' exports no 'deTest'/,
    ],
    [
      'an object that is no test',
      scratch(
        'object.ts',
        "export const t = { name: 'x', expect: 'holds', program: () => ({ threads: [(function* () { yield; })()] }) };\n",
      ),
      /object\.ts: .* was not made by defineTest/,
    ],
    [
      'a program that throws',
      scratch(
        'program.ts',
        `${define}export const t = defineTest({\n  name: 'x',\n  expect: 'holds',\n  program() {\n    throw new RangeError('no');\n  },\n});\n`,
      ),
      /program\.ts:6: test 'x': RangeError: no$/,
    ],
    [
      'a file that fails behind our back',
      scratch(
        'behind.ts',
        `${define}export const t = defineTest({ name: 'x', expect: 'holds', program: () => ({ threads: [(function* () { yield; })()] }) });\nawait 0;\nPromise.reject(new Error('floating'));\n`,
      ),
      /behind\.ts:4: Error: floating/,
    ],
    [
      'a file that ends the program as it is loaded',
      scratch('exits.ts', `${define}process.exit(0);\nexport const t = defineTest;\n`),
      /exits\.ts:2: process\.exit\(\) is called, which would end the whole check \(a thread ends by returning/,
    ],
    [
      'a thread that ends the program',
      scratch(
        'thread-exits.mts',
        `${define}import { exit } from 'node:process';\nfunction* thread() {\n  yield;\n  exit();\n}\nexport const t = defineTest({ name: 'x', expect: 'holds', program: () => ({ threads: [thread()] }) });\n`,
      ),
      /thread-exits\.mts:5: process\.exit\(\) is called/,
    ],
    [
      'a thread that ends its worker',
      `${scratch('worker-exits.ts', WORKER_EXITS)} --workers 2`,
      /worker-exits\.ts:7: test 'x': process\.exit\(\) is called/,
    ],
    [
      'a test that is not there',
      'dekker.ts -t deker',
      /^-t: no test has 'deker' in its name \(did you mean 'dekker'\?/,
    ],
    [
      'a schedule for several tests',
      'lost-update.ts --schedule 0',
      /^--schedule: it is for one test, not for 2 \(choose one with -t/,
    ],
    ['a schedule that is none', 'dekker.ts --schedule x', /^--schedule: part 1 of the schedule: 'x' is no step/],
    [
      'a schedule of another test',
      'lost-update.ts -t lost --schedule 0:9',
      /^lost-update\.ts: test 'lost update': step 3 of the schedule/,
    ],
    ['a replay of nothing', 'dekker.ts --strategy replay', /^--strategy replay: there is no schedule/],
    ['a schedule and a strategy', 'dekker.ts --schedule 0 --strategy pct', /^--schedule: a schedule is replayed/],
    ['a bound that bounds nothing', 'dekker.ts --bound 2', /^--bound: .*add --strategy minimal/],
    ['runs of what has none', 'dekker.ts --runs 2', /^--runs: .*add --strategy random/],
    ['another strategy', 'dekker.ts --strategy dpr', /^--strategy: 'dpr' is not known \(did you mean dpor\?/],
    ['another memory', 'dekker.ts --memory arm', /^--memory: 'arm' is not known \(known are sc, tso\)/],
    ['another option', 'dekker.ts --frob', /^unknown option '--frob' \(see tablewalk check --help\)/],
    ['a file that cannot be written', 'dekker.ts --counterexample /dev/null/x', /^--counterexample \/dev\/null\/x: /],
  ];
  for (const [name, args, says] of cases) {
    it(name, async () => {
      const { code, stdout, stderr } = await check(args === '' ? [] : args.split(' '));
      expect(lines(stderr).map((line) => line.replace(/^tablewalk: /, ''))).toEqual([expect.stringMatching(says)]);
      expect({ code, stderr: stderr.startsWith('tablewalk: ') }).toEqual({ code: 2, stderr: true });
      if (name !== 'a file that fails behind our back') expect(stdout).toBe('');
    });
  }

  it('reports the other tests of a run all the same', async () => {
    const { code, stdout, stderr } = await check('forgotten-yield.ts --json');
    expect({ code, lines: lines(stderr).length }).toEqual({ code: 2, lines: 1 });
    const { results, errors } = checkSchema.parse(JSON.parse(stdout));
    expect(results.map(({ name }) => name)).toEqual(['fine']);
    expect(errors.map(({ name }) => name)).toEqual(['forgotten yield']);
    expect(lines(stderr)).toEqual([`tablewalk: ${errors[0]?.message}`]);
  });

  it('names them in the document also where no test could be checked', async () => {
    const { results, errors, code } = await document('forgotten-yield.ts -t forgotten');
    expect({ results, names: errors.map(({ name }) => name), code }).toEqual({
      results: [],
      names: ['forgotten yield'],
      code: 2,
    });
  });
});

describe('check, interrupted', () => {
  it('says what is known by then, and ends with 130', async () => {
    const child = start(['check', 'dekker.ts', 'endless.ts'], { cwd: fixtures });
    const end = ended(child);
    // The line of the test before the long one.
    child.stdout?.on('data', (text: Buffer) => {
      if (text.includes('endless')) child.kill('SIGINT');
    });
    const { code, stdout, stderr } = await end;
    expect(code).toBe(130);
    expect(lines(stderr)).toEqual(['tablewalk: interrupted: 2 of 3 tests were done by then']);
    expect(stdout).toMatch(/^bounded +long .*NOT EXPECTED/m);
  });

  it('ends quietly when the reader goes away', async () => {
    const child = spawn(process.execPath, [main, 'check', 'dekker.ts', 'lost-update.ts'], {
      cwd: fixtures,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (text: Buffer) => {
      stderr += text.toString();
    });
    child.stdout.destroy();
    const [code] = await once(child, 'close');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

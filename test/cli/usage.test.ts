import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TABLE_RECLAIM } from '../../src/designs/index.ts';
import { lines, main, root, smallTrace, tablewalk } from './tablewalk.ts';

describe('bad usage', () => {
  const cases: readonly (readonly [args: string, says: RegExp])[] = [
    ['frobnicate', /unknown command 'frobnicate' \(see tablewalk --help\)/],
    ['iovastress', /unknown command 'iovastress' \(did you mean iova-stress\?\)/],
    ['--frob', /unknown option '--frob'/],
    ['iova-stress --desing all', /unknown option '--desing' \(did you mean --design\?\)/],
    ['iova-stress -s 0', /-s: '0' is not a whole number from 1 to 255/],
    ['iova-stress -s 300', /-s: '300' is not a whole number from 1 to 255/],
    ['iova-stress -s abc', /-s: 'abc' is not a whole number/],
    ['iova-stress -s 1.5', /-s: '1.5' is not a whole number/],
    ['iova-stress -s -1', /-s: '-1' is not a whole number/],
    ['iova-stress -s 0x10', /-s: '0x10' is not a whole number/],
    ['iova-stress -s', /argument missing \(see tablewalk iova-stress --help\)/],
    ['iova-stress -S 0', /-S: '0' is not a whole number from 1 to 524288/],
    ['iova-stress -S 524289', /48-bit IOVAs/],
    ['iova-stress --design lazyprune', /did you mean lazy-prune\? known are never, covered-range/],
    ['iova-stress --design never,', /--design: '' is not known/],
    ['iova-stress --mode fast', /--mode: 'fast' is not known \(known are strict, lazy, both\)/],
    ['iova-stress extra', /too many arguments/],
    ['replay', /missing required argument 'FILE' \(see tablewalk replay --help\)/],
    ['replay - -', /standard input can be read only once/],
    ['lab --out /dev/null/report', /--out \/dev\/null\/report: /],
  ];
  for (const [args, says] of cases) {
    it(`tablewalk ${args}: one line on stderr, nothing on stdout, exit 2`, async () => {
      const { code, stdout, stderr } = await tablewalk(args.split(' '));
      expect(lines(stderr)).toEqual([expect.stringMatching(says)]);
      expect(stderr).toMatch(/^tablewalk: /);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    });
  }

  it('shows what the user typed without letting it drive the terminal or break the line', async () => {
    const { code, stderr } = await tablewalk(['iova-stress', '-s', '1\n\x1b[2J']);
    expect({ code, lines: lines(stderr).length }).toEqual({ code: 2, lines: 1 });
    expect(stderr).toContain("'1\\x0a\\x1b[2J'");
  });
});

describe('help and version', () => {
  it('--version is the version of package.json', async () => {
    const { version }: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(await tablewalk(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('without a command prints the help', async () => {
    const [bare, asked] = [await tablewalk([]), await tablewalk(['--help'])];
    expect(bare).toEqual(asked);
    expect(bare.code).toBe(0);
  });

  for (const command of ['iova-stress', 'replay', 'check', 'explain', 'conformance', 'lab']) {
    it(`${command} --help has an example and the exit codes`, async () => {
      const { code, stdout, stderr } = await tablewalk([command, '--help']);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(/Example:\n {2}\S[\s\S]*Exit codes:\n {2}0 /);
      expect((await tablewalk(['help', command])).stdout).toBe(stdout);
    });
  }

  it('iova-stress --help names every design', async () => {
    const { stdout } = await tablewalk(['iova-stress', '--help']);
    for (const design of TABLE_RECLAIM) expect(stdout).toContain(design.name);
  });
});

describe('pipes', () => {
  it('ends quietly with 0 when the reader goes away', async () => {
    const child = spawn(process.execPath, [main, 'replay', smallTrace, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdout.destroy();
    const [code] = await once(child, 'close');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('ends the processes it has started, too', async () => {
    const child = spawn(process.execPath, [main, 'iova-stress', '-s', '4', '-v'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
  });
});

/** The commands, by name. A command's own file is loaded when it is asked for. */
import type { Command } from 'commander';
import type { ExitCode } from './exit.ts';

/** Adds options, help and the action; `done` takes the exit code. */
export type Define = (command: Command, done: (code: ExitCode) => void) => void;

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
  readonly load: () => Promise<Define>;
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'lab',
    summary: 'the whole story on bundled real traces, in two minutes; writes report/index.html',
    usage: '[options]',
    load: async () => (await import('./lab.ts')).defineLab,
  },
  {
    name: 'replay',
    summary: 'a real kernel trace through every page-table design',
    usage: '[options] FILE…',
    load: async () => (await import('./replay.ts')).defineReplay,
  },
  {
    name: 'check',
    summary: 'every interleaving of the threads of a test, yours or ours',
    usage: '[options] NAME|FILE.ts…',
    load: async () => (await import('./check.ts')).defineCheck,
  },
  {
    name: 'explain',
    summary: 'CPU states, a design, an invariant, a fault reason: from the tables that the code runs from',
    usage: '[options] [WHAT]',
    load: async () => (await import('./explain.ts')).defineExplain,
  },
  {
    name: 'conformance',
    summary: "our VT-d model against what QEMU's answered, with a name for each difference",
    usage: '[options] FILE.jsonl…',
    load: async () => (await import('./conformance.ts')).defineConformance,
  },
  {
    name: 'iova-stress',
    summary: 'the benchmark of the thread of December 2023, for every design',
    usage: '[options]',
    load: async () => (await import('./iova-stress.ts')).defineIovaStress,
  },
];

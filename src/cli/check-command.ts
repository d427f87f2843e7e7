/** Commands as a user types them. */
import type { FoundTest } from './check-select.ts';

/** The command that shows a counterexample again. */
export function replayCommand({ test, file, label }: FoundTest, schedule: string, memory: string | undefined): string {
  // A name that its own file has twice needs more than the name.
  const name = label === `${test.name} (${file})` ? test.name : label;
  const which = file === null ? [test.name] : [file, '-t', name];
  const words = ['tablewalk', 'check', ...which, ...(memory === undefined ? [] : ['--memory', memory])];
  return [...words, '--schedule', schedule].map(shellWord).join(' ');
}

/** Quoted where a shell would make something else of it. */
export function shellWord(word: string): string {
  return /^[\w./+:@%=,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

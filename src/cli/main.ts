#!/usr/bin/env node
/** The program. Loads only what the command line asks for: `--version` and `--help` answer at once. */
import { leave } from '../node/leave.ts';
import { STRESS_CHILD } from '../node/stress-child-name.ts';
import { BadInput, complain, complainOfBug, EXIT, type ExitCode, leaveAfterInterrupt, watchStreams } from './exit.ts';

async function main(args: readonly string[]): Promise<ExitCode> {
  if (args[0] === STRESS_CHILD) {
    const { stressChild } = await import('../node/stress-child.ts');
    await stressChild();
    return EXIT.ok;
  }
  const { runProgram } = await import('./program.ts');
  return await runProgram(args);
}

function failed(error: unknown): ExitCode {
  if (error instanceof BadInput) {
    complain(error.message);
    return EXIT.usage;
  }
  complainOfBug(error);
  return EXIT.bug;
}

watchStreams();
process.on('uncaughtException', (error) => leave(failed(error)));
// Set and not called: what is still to be written is written first.
process.exitCode = await main(process.argv.slice(2)).catch(failed);
if (process.exitCode === EXIT.interrupted) leaveAfterInterrupt();

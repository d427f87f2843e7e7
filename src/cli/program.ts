/** The command line as commander sees it: the commands, the help, and errors on one line. */
import { Command, CommanderError } from 'commander';
import { nearest } from '../base/suggest.ts';
import { packageVersion } from '../node/package-files.ts';
import { COMMANDS } from './commands.ts';
import { BadInput, EXIT, type ExitCode } from './exit.ts';

const ABOUT = `An executable laboratory for shared virtual addressing: what IOMMU page-table designs cost, on real traces and in
the benchmarks that engineers argue with. No kernel, no hardware, no root.`;

const FOOT = `
Example:
  tablewalk replay trace.txt      record it with: trace-cmd record -e iommu; trace-cmd report > trace.txt

Exit codes:
  0 done, all as expected   1 an answer is not the expected one   2 bad usage or input, one line says what
  3 a bug in tablewalk      130 interrupted, with what is known so far

tablewalk help COMMAND has the options and an example of each command.`;

/** Runs the command that `args` name; the exit code is its own. */
export async function runProgram(args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const program = createProgram();
  const asked = args[0] === 'help' ? args[1] : args.find((arg) => !arg.startsWith('-'));
  for (const entry of COMMANDS) {
    const command = program.command(entry.name).description(entry.summary).usage(entry.usage);
    if (entry.name !== asked) continue;
    const define = await entry.load();
    define(command, (own) => {
      code = own;
    });
    addCommonOptions(command);
  }
  if (args[0] === 'help') checkHelp(asked);
  if (args.length === 0) {
    program.outputHelp();
    return code;
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError)
      return fromCommander(error, COMMANDS.some(({ name }) => name === asked) ? `${asked} ` : '');
    throw error;
  }
  return code;
}

function checkHelp(asked: string | undefined): void {
  const names = COMMANDS.map(({ name }) => name);
  if (asked === undefined || asked === 'help' || asked.startsWith('-') || names.includes(asked)) return;
  const near = nearest(asked, names);
  const hint = near === null ? `known are ${names.join(', ')}` : `did you mean ${near}?`;
  throw new BadInput({ code: 'unknown-command', message: `unknown command '${asked}'`, hint });
}

function createProgram(): Command {
  const program = new Command('tablewalk')
    .description(ABOUT)
    .usage('COMMAND [options]')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [COMMAND]', 'print the help of a command')
    .option('--debug', 'on a bug, print the stack')
    .addHelpText('after', FOOT);
  // Commands made after this inherit both: errors are ours to print, and to end with.
  return program.exitOverride().configureOutput({ outputError: () => {} });
}

function addCommonOptions(command: Command): void {
  command
    .option('--json', 'print one JSON document on stdout, and nothing else there')
    .option('--no-color', 'no colours, also on a terminal')
    .option('--debug', 'on a bug, print the stack')
    .helpOption('-h, --help', 'print this help');
}

/** Help and version end well; everything else is bad usage, in one line with a hint. `command`: the one asked for, and a space. */
function fromCommander(error: CommanderError, command: string): ExitCode {
  if (error.exitCode === 0 || error.code === 'commander.help') return EXIT.ok;
  const [what = '', guess] = error.message.replace(/^error: /, '').split('\n');
  const message = what.replace(/\.$/, '').replaceAll('. ', ': ');
  const hint = guess?.replace(/^\((.*)\)$/, '$1').replace(/^D/, 'd') ?? `see tablewalk ${command}--help`;
  throw new BadInput({ code: error.code, message, hint });
}

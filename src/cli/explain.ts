/** `tablewalk explain WHAT`: CPU states, designs, invariants, fault reasons, from the tables that the code runs from. */
import type { Command } from 'commander';
import { closestHint } from '../base/suggest.ts';
import { type Explanation, explanationOf, topicNames, topics } from '../lab/explain/explanation.ts';
import { explanationPage } from '../lab/explain/pages.ts';
import { renderTerminal } from '../lab/report/terminal.ts';
import { BadInput, EXIT, type ExitCode } from './exit.ts';
import { print, printJson, screen } from './screen.ts';

interface ExplainOptions {
  readonly json?: boolean;
  readonly color: boolean;
}

/** The document of `--json`. */
export interface ExplainDocument {
  readonly schema: 1;
  readonly command: 'explain';
  readonly explanation: Explanation;
}

const HELP = `
Without WHAT: all that can be explained.

Example:
  tablewalk explain cpu-states
  tablewalk explain free-in-mmput
  tablewalk explain INV-1
  tablewalk explain 0x71

Exit codes:
  0 done   2 nothing is known under that name: one line has those that are near   3 a bug in tablewalk`;

export function defineExplain(command: Command, done: (code: ExitCode) => void): void {
  command
    .argument('[WHAT]', 'cpu-states, a design, an invariant, or a VT-d fault reason')
    .addHelpText('after', HELP)
    .action((what: string | undefined, options: ExplainOptions) => done(runExplain(what, options)));
}

function runExplain(what: string | undefined, options: ExplainOptions): ExitCode {
  const explanation = what === undefined ? topics() : explanationOf(what);
  if (explanation === null) {
    const hint = closestHint(what!, topicNames(), 'tablewalk explain lists what can be explained');
    throw new BadInput({ code: 'unknown-topic', message: `nothing is known of '${what!.slice(0, 60)}'`, hint });
  }
  if (options.json === true) {
    const document: ExplainDocument = { schema: 1, command: 'explain', explanation };
    printJson(document);
  } else {
    const own = screen(options.color);
    print(renderTerminal(explanationPage(explanation), { ...own, width: Math.min(own.width, WIDEST) }));
  }
  return EXIT.ok;
}

/** Wider is not easier to read. */
const WIDEST = 100;

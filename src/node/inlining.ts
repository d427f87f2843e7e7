/**
 * For processes that time page-table operations. V8 inlines a function's callees up to a budget of bytecode, 920 by default; past it, the time of a design
 * is that of calls that a C compiler would not make, and depends on which of two callees came first. With more room all designs
 * are faster and their times repeat better (bench/README.md). Correctness does not depend on it.
 */
import { setFlagsFromString } from 'node:v8';

/** Context: before the code that is measured has run. */
export function giveInliningRoom(): void {
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=4000');
}

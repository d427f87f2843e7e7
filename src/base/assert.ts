/**
 * Asserts for broken invariants of our own. They stay in the product: a wrong number printed is worse than a stop.
 * The text gives the likeliest cause, for whoever reads the report.
 */

export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** @throws InvariantError when `condition` is false. `likeliestCause` is a sentence, built only then if given as a function. */
export function assert(condition: boolean, likeliestCause: string | (() => string)): asserts condition {
  if (!condition) fail(typeof likeliestCause === 'string' ? likeliestCause : likeliestCause());
}

export function fail(likeliestCause: string): never {
  throw new InvariantError(likeliestCause);
}

/** For the end of an exhaustive switch: a new case that nobody handles does not compile. */
export function unreachable(value: never): never {
  fail(`a case was added and not handled: ${String(value)}`);
}

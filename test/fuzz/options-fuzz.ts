/** Fuzzing of option values: whatever is typed, a checked value comes out, or one printable line that names the option. */
import { createRandom, type Random } from '../../src/base/random.ts';
import { formatInputError } from '../../src/base/result.ts';
import { BadInput } from '../../src/cli/exit.ts';
import { oneOf, someOf, wholeNumber } from '../../src/cli/options.ts';

const SEEDS = ['16', '1', '255', '0', '-1', '1e3', '0x10', ' 7', '٣', 'all', 'never', 'never,lazy-prune', 'strict', ''];
const ALPHABET = '0123456789-+.,eExX \t\n\u0000\u001b[é\u202e\u{1f600}allneverlazy';
const NAMES = ['never', 'covered-range', 'lazy-prune'];

export function fuzzOptions(seed: number, runs: number): void {
  const random = createRandom(seed);
  for (let i = 0; i < runs; i++) {
    const text = mutate(random, random.pick(SEEDS));
    checkNumber(text);
    checkNames(text);
  }
}

function mutate(random: Random, text: string): string {
  const letters = [...text];
  for (let edits = random.below(4); edits > 0; edits--) {
    const at = random.below(letters.length + 1);
    letters.splice(at, random.below(2), random.pick([...ALPHABET]));
  }
  return random.below(50) === 0 ? letters.join('').repeat(2000) : letters.join('');
}

function checkNumber(text: string): void {
  const value = orRefusal('-s', () => wholeNumber('-s', 1, 255)(text));
  if (value === undefined) return;
  if (!Number.isInteger(value) || value < 1 || value > 255)
    throw new Error(`-s took ${JSON.stringify(text)} as ${value}`);
}

function checkNames(text: string): void {
  const several = orRefusal('--design', () => someOf('--design', NAMES)(text));
  for (const name of several ?? []) {
    if (!NAMES.includes(name)) throw new Error(`--design took ${JSON.stringify(text)} as ${name}`);
  }
  const one = orRefusal('--mode', () => oneOf('--mode', NAMES)(text));
  if (one !== undefined && one !== text) throw new Error(`--mode took ${JSON.stringify(text)} as ${one}`);
}

/** What `parse` gives, or undefined when it refuses as it should. */
function orRefusal<T>(option: string, parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    const line = formatInputError(error.error);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
    if (!line.startsWith(option) || /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/.test(line) || line.length > 500) {
      throw new Error(`a refusal that is not one clear line: ${JSON.stringify(line)}`);
    }
    return undefined;
  }
}

/** Values of options, checked: each refusal names the option, the value and what would do. */
import type { InputError } from '../base/result.ts';
import { nearest } from '../base/suggest.ts';
import { BadInput } from './exit.ts';

/** A parser for commander: a whole number from `least` to `most`. `why` says where the upper bound comes from, for who goes beyond it. */
export function wholeNumber(option: string, least: number, most: number, why = ''): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new BadInput({
      code: 'out-of-range',
      place: option,
      message: `${quoted(text)} is not a whole number from ${least} to ${most}`,
      hint: value > most && why !== '' ? why : `for example ${option} ${Math.min(most, Math.max(least, 16))}`,
    });
  };
}

/** One of `names`. */
export function oneOf<N extends string>(option: string, names: readonly N[]): (text: string) => N {
  return (text) => names.find((name) => name === text) ?? refuse(unknownName(option, text, names));
}

/** Names separated by commas, or `all`: each once, in the order given. */
export function someOf(option: string, names: readonly string[]): (text: string) => readonly string[] {
  return (text) => {
    const asked = text.split(',').map((name) => name.trim());
    const unknown = asked.find((name) => name !== 'all' && !names.includes(name));
    if (unknown !== undefined) refuse(unknownName(option, unknown, [...names, 'all']));
    return [...new Set(asked.flatMap((name) => (name === 'all' ? names : [name])))];
  };
}

function unknownName(option: string, text: string, names: readonly string[]): InputError {
  const near = nearest(text, names);
  const guess = near === null ? '' : `did you mean ${near}? `;
  return {
    code: 'unknown-name',
    place: option,
    message: `${quoted(text)} is not known`,
    hint: `${guess}known are ${names.join(', ')}`,
  };
}

function refuse(error: InputError): never {
  throw new BadInput(error);
}

/** What was typed, cut so that the hint after it is still seen. */
function quoted(text: string): string {
  return text.length > 60 ? `'${text.slice(0, 60)}…'` : `'${text}'`;
}

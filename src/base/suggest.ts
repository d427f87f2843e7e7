/** "Did you mean": the name nearest to what was typed. */

/** The nearest of `names`, if it is near. */
export function nearest(typed: string, names: readonly string[]): string | null {
  let best: string | null = null;
  let least = Math.floor(Math.max(3, typed.length) / 3) + 1;
  for (const name of names) {
    const far = distance(typed.toLowerCase(), name.toLowerCase());
    if (far < least) {
      least = far;
      best = name;
    }
  }
  return best ?? names.find((name) => typed.length >= 3 && name.startsWith(typed)) ?? null;
}

const MOST = 3;

/** A few of `names` that are near, or have words in common with what was typed, the nearest first. */
export function closest(typed: string, names: readonly string[]): readonly string[] {
  const near = nearest(typed, names);
  const asked = wordsOf(typed);
  const alike = names
    .map((name) => ({ name, common: wordsOf(name).filter((word) => asked.some((own) => isAlike(own, word))).length }))
    .filter(({ common }) => common > 0)
    .sort((a, b) => b.common - a.common || a.name.length - b.name.length)
    .map(({ name }) => name);
  return [...new Set([...(near === null ? [] : [near]), ...alike])].slice(0, MOST);
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[a-z0-9]{3,}/g) ?? [];
}

function isAlike(typed: string, word: string): boolean {
  return word.startsWith(typed) || distance(typed, word) <= Math.floor((Math.min(typed.length, word.length) + 1) / 4);
}

/** `is it 'a', 'b'?`, or what else helps. */
export function closestHint(typed: string, names: readonly string[], otherwise: string): string {
  const close = closest(typed, names).map((name) => `'${name}'`);
  return close.length === 0 ? otherwise : `did you mean ${close.join(' or ')}?`;
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 8) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/** Names a typing error probably meant, the closest first. */
function closest(word: string, names: Iterable<string>): string[] {
  // two letters changed places are two edits; in a word of four that is half of it
  const limit = word.length <= 4 ? 1 : Math.max(2, Math.floor(word.length / 3));
  return [...new Set(names)]
    .map((name) => ({ name, far: distance(word.toLowerCase(), name.toLowerCase(), limit) }))
    .filter(({ far }) => far <= limit)
    .sort((a, b) => a.far - b.far || a.name.localeCompare(b.name))
    .map(({ name }) => name);
}

/** The closest name, or undefined when none is close. */
export const nearest = (word: string, names: Iterable<string>): string | undefined => closest(word, names)[0];

/** @returns `Did you mean 'x' or 'y'?`, or nothing when no name is close */
export function didYouMean(word: string, names: Iterable<string>): string {
  const close = closest(word, names).slice(0, 3);
  return close.length > 0 ? `Did you mean ${close.map((name) => `'${name}'`).join(' or ')}?` : '';
}

/** Levenshtein distance with one row of memory, given up beyond `limit`. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? limit + 1;
}

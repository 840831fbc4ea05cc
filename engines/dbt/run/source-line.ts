/**
 * The line of a template that gave a line of its SQL, as well as texts alone can tell: lines that stand in both, or that
 * a line with `{{ … }}` could have become, are laid side by side in order, and the nearest pair above counts.
 *
 * @param line of the SQL, from 1
 * @returns null where nothing above it stands in the template
 */
export function sourceLine(template: string, sql: string, line: number): number | null {
  const sources = withoutTags(template).split('\n').map(pattern);
  const made = sql.split('\n').slice(0, line);
  if (sources.length * made.length > LARGEST) return null;
  // longest common subsequence: how many lines of made[j…] and sources[i…] can be paired
  const rows = sources.length + 1;
  const pairs = new Uint16Array(rows * (made.length + 1));
  const at = (i: number, j: number): number => j * rows + i;
  const fits = (i: number, j: number): boolean => {
    const source = sources[i];
    const text = made[j]?.trim() ?? '';
    return source !== undefined && source !== null && text !== '' && source.test(text);
  };
  for (let j = made.length - 1; j >= 0; j--)
    for (let i = sources.length - 1; i >= 0; i--)
      pairs[at(i, j)] = fits(i, j)
        ? (pairs[at(i + 1, j + 1)] ?? 0) + 1
        : Math.max(pairs[at(i + 1, j)] ?? 0, pairs[at(i, j + 1)] ?? 0);
  let found: number | null = null;
  for (let i = 0, j = 0; i < sources.length && j < made.length;) {
    if (fits(i, j)) {
      found = i + 1;
      i++;
      j++;
    } else if ((pairs[at(i + 1, j)] ?? 0) >= (pairs[at(i, j + 1)] ?? 0)) i++;
    else j++;
  }
  return found;
}

/** beyond it the search would take longer than it is worth */
const LARGEST = 4_000_000;

/** Tags without their text: lines stay, and a mark stands where an expression put something out. */
const withoutTags = (template: string): string =>
  template.replace(TAG, (tag) => {
    const lines = '\n'.repeat(tag.split('\n').length - 1);
    return tag.startsWith('{{') ? `${lines}${MARK}` : lines;
  });
/** texts within a tag may hold what ends one */
const TAG = /\{#[^]*?#\}|\{(?:\{|%)(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^'"])*?[}%]\}/g;
const MARK = '\u0000';

/** What a line of a template can become; null for one that holds tags or nothing at all. */
function pattern(line: string): RegExp | null {
  const pieces = line.trim().split(MARK);
  if (pieces.every((piece) => piece.trim() === '')) return null;
  const escaped = pieces.map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*').replace(/^\.\*\s*/, '.*')}$`);
}

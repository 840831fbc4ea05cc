const COMPILED = new Map<string, RegExp>();

/** Python's `fnmatch`: `*`, `?`, `[abc]`, `[!abc]`, with regard to case. */
export function fnmatch(text: string, pattern: string): boolean {
  let regex = COMPILED.get(pattern);
  if (!regex) COMPILED.set(pattern, (regex = new RegExp(`^${translate(pattern)}$`, 'su')));
  return regex.test(text);
}

/** Whether a pattern can match more than itself. */
export const isPattern = (text: string): boolean => /[*?[\]]/.test(text);

function translate(pattern: string): string {
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] ?? '';
    if (char === '*') source += '.*';
    else if (char === '?') source += '.';
    else if (char === '[') {
      const end = endOfSet(pattern, at);
      if (end === -1) source += '\\[';
      else {
        source += charSet(pattern.slice(at + 1, end));
        at = end;
      }
    } else source += char.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
  }
  return source;
}

/** a `]` right after the opening (or its `!`) is one of the set; @returns -1 where none closes it */
function endOfSet(pattern: string, at: number): number {
  let from = at + 1;
  if (pattern[from] === '!') from++;
  if (pattern[from] === ']') from++;
  return pattern.indexOf(']', from);
}

function charSet(inner: string): string {
  const negated = inner.startsWith('!');
  const chars = (negated ? inner.slice(1) : inner).replace(/[\\\]^]/g, '\\$&');
  // a range that runs backwards holds nothing
  const kept = chars.replace(/([^\\])-(.)/gu, (range, low: string, high: string) =>
    low > high ? '' : range,
  );
  if (kept === '') return negated ? '.' : '(?!)';
  return `[${negated ? '^' : ''}${kept}]`;
}

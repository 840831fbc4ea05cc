/** Edit distance, given up beyond `limit`. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min(
          (row[j] as number) + 1,
          (next[j - 1] as number) + 1,
          (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    row = next;
  }
  return row[b.length] as number;
}

/** @returns `Did you mean 'x' or 'y'?`, or nothing when no name is close */
export function didYouMean(name: string, names: Iterable<string>): string {
  const limit = Math.max(1, Math.floor(name.length / 3));
  const close = [...new Set(names)]
    .map((each) => ({ each, far: distance(name.toLowerCase(), each.toLowerCase(), limit) }))
    .filter(({ far }) => far <= limit)
    .sort((a, b) => a.far - b.far || a.each.localeCompare(b.each))
    .slice(0, 3)
    .map(({ each }) => `'${each}'`);
  return close.length > 0 ? `Did you mean ${close.join(' or ')}?` : '';
}

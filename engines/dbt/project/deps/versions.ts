/** A version as the hub has them: `1.2.3`, `1.2.3-rc1`. */
interface Version {
  numbers: [number, number, number];
  prerelease: string | null;
}

/** One bound: `>=1.0.0`, `<2.0.0`, `1.1.1`. */
export interface Bound extends Version {
  operator: '>' | '>=' | '<' | '<=' | '=';
  text: string;
}

const BOUND =
  /^\s*(>=|<=|>|<|=)?\s*v?(\d+)\.(\d+)(?:\.(\d+))?(?:-?((?:[a-z-]|\d+[a-z-])[\w.-]*|(?<=-)\d[\w.-]*))?(?:\+[\w.-]+)?\s*$/i;

/** @returns null when the text is no version */
export function readBound(text: string): Bound | null {
  const match = BOUND.exec(text);
  if (!match) return null;
  const [, operator = '=', major, minor, patch = '0', prerelease = null] = match;
  return {
    operator: operator as Bound['operator'],
    numbers: [Number(major), Number(minor), Number(patch)],
    prerelease,
    text: text.trim(),
  };
}

/** Whether a version lies within every bound; `<1.0.0` leaves out the prereleases of 1.0.0, too. */
export function isWithin(version: string, bounds: readonly Bound[]): boolean {
  const found = readBound(version);
  return found !== null && bounds.every((bound) => holds(found, bound));
}

function holds(version: Version, bound: Bound): boolean {
  const order = compare(version, bound);
  switch (bound.operator) {
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    case '<':
      return order < 0 && !(bound.prerelease === null && sameNumbers(version, bound));
    case '<=':
      return order <= 0;
    case '=':
      return order === 0;
  }
}

/** Versions from the oldest to the newest; what is none is left out. */
export function sortVersions(versions: readonly string[]): string[] {
  return versions
    .flatMap((text) => {
      const version = readBound(text);
      return version ? [{ text, version }] : [];
    })
    .sort((a, b) => compare(a.version, b.version))
    .map(({ text }) => text);
}

export const isPrerelease = (version: string): boolean => (readBound(version)?.prerelease ?? null) !== null;

const sameNumbers = (a: Version, b: Version): boolean =>
  a.numbers.every((each, at) => each === b.numbers[at]);

function compare(a: Version, b: Version): number {
  for (const [at, each] of a.numbers.entries()) {
    const order = each - (b.numbers[at] ?? 0);
    if (order !== 0) return order;
  }
  if (a.prerelease === b.prerelease) return 0;
  if (a.prerelease === null) return 1;
  if (b.prerelease === null) return -1;
  return comparePrereleases(a.prerelease.split('.'), b.prerelease.split('.'));
}

/** semver: numbers before texts, fewer parts before more */
function comparePrereleases(a: readonly string[], b: readonly string[]): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [x, y] = [a[at], b[at]];
    if (x === y) continue;
    if (x === undefined) return -1;
    if (y === undefined) return 1;
    const [m, n] = [/^\d+$/.test(x), /^\d+$/.test(y)];
    if (m && n) return Number(x) - Number(y);
    if (m !== n) return m ? -1 : 1;
    return x < y ? -1 : 1;
  }
  return 0;
}

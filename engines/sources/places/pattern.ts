import picomatch from 'picomatch';

/** A glob, taken apart into what can be asked of a server and what has to be looked at here. */
export interface Pattern {
  /** what every match begins with, up to the first wildcard: `2025/orders_` of `2025/orders_*.csv` */
  literal: string;
  /** the folder that {@link literal} ends in, without a `/` at its end; empty for the top */
  folder: string;
  /** of each level below {@link folder} whether a name can belong to a match; null when levels cannot be told apart (`**`) */
  levels: ((name: string) => boolean)[] | null;
  matches: (file: string) => boolean;
}

/** One of these may be a wildcard; taking too little literally costs time only. */
const WILD = /[*?[\]{}()!|+@]/;

/** Reads a glob with the meaning that it has on this machine: `*` matches no leading dot, `**` any depth. */
export function readPattern(glob: string): Pattern {
  let literal = '';
  for (let at = 0; at < glob.length && !WILD.test(glob[at] ?? ''); at++) {
    if (glob[at] === '\\') at++;
    literal += glob[at] ?? '';
  }
  const folder = literal.slice(0, Math.max(0, literal.lastIndexOf('/')));
  const below = glob.split('/').slice(folder === '' ? 0 : folder.split('/').length);
  const apart = below.every((part) => part !== '**' && balanced(part));
  return {
    ...{ literal, folder },
    levels: apart ? below.map((part) => picomatch(part)) : null,
    matches: picomatch(glob),
  };
}

/** A `/` inside braces or parentheses does not separate levels. */
function balanced(part: string): boolean {
  const plain = part.replace(/\\./g, '');
  return (['{}', '()', '[]'] as const).every(
    ([open = '', close = '']) => plain.split(open).length === plain.split(close).length,
  );
}

/** Name order, the same on every machine. */
export const byName = (a: { file: string }, b: { file: string }): number =>
  a.file < b.file ? -1 : a.file > b.file ? 1 : 0;

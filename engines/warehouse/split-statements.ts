import type { Dialect } from './port.js';

/** What a text can hold whose semicolons are none; the first that matches at a place counts. */
const PIECES: Record<Dialect, RegExp> = {
  duckdb: pieces([`'(?:[^']|'')*'`]),
  postgres: pieces([String.raw`[eE]'(?:[^'\\]|''|\\[^])*'`, `'(?:[^']|'')*'`]),
  // a backslash escapes in every text of Snowflake, and // begins a comment
  snowflake: pieces([String.raw`'(?:[^'\\]|''|\\[^])*'`, String.raw`//[^\n]*`]),
};

function pieces(own: string[]): RegExp {
  const comments = [String.raw`--[^\n]*`, String.raw`/\*[^]*?\*/`];
  const dollars = String.raw`\$([A-Za-z_]\w*)?\$[^]*?\$\1\$`;
  return new RegExp([...own, `"(?:[^"]|"")*"`, ...comments, dollars, ';'].join('|'), 'gy');
}

/** The statements of a text, without the semicolons between them; what holds comments only is none. */
export function splitStatements(sql: string, dialect: Dialect): string[] {
  const statements: string[] = [];
  const piece = PIECES[dialect];
  let from = 0;
  let bare = '';
  const end = (at: number): void => {
    if (bare.trim() !== '') statements.push(sql.slice(from, at).trim());
    from = at + 1;
    bare = '';
  };
  for (let at = 0; at < sql.length;) {
    piece.lastIndex = at;
    const found = piece.exec(sql)?.[0];
    if (found === ';') end(at);
    else if (found === undefined || !/^(--|\/\*|\/\/)/.test(found)) bare += found ?? sql[at];
    at += found?.length ?? 1;
  }
  end(sql.length);
  return statements;
}

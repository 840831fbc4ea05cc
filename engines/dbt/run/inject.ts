export interface CommonTable {
  name: string;
  sql: string;
}

const SKIP = /\s+|--[^\n]*\n?|\/\*[^]*?\*\//y;

function skipBlank(sql: string, from: number): number {
  let at = from;
  for (;;) {
    SKIP.lastIndex = at;
    const found = SKIP.exec(sql);
    if (!found) return at;
    at += found[0].length;
  }
}

/** Puts ephemeral models in front of a query as common table expressions, into its own WITH when it has one. */
export function injectTables(sql: string, tables: readonly CommonTable[]): string {
  if (tables.length === 0) return sql;
  const list = tables.map(({ name, sql: inner }) => ` ${name} as (\n${inner}\n)`).join(', ');
  const at = skipBlank(sql, 0);
  const word = /^with\b/i.exec(sql.slice(at));
  if (!word) return `with${list} ${sql}`;
  let end = at + word[0].length;
  const next = skipBlank(sql, end);
  const recursive = /^recursive\b/i.exec(sql.slice(next));
  if (recursive) end = next + recursive[0].length;
  return `${sql.slice(0, end)}${list}, ${sql.slice(end)}`;
}

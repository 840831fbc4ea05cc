/** A call or a cast as it stands in a text of SQL. */
interface Call {
  from: number;
  to: number;
  args: string[];
}

/** Texts, quoted names, brackets and commas: what must be told apart to find the end of a call. */
const PIECE = /'(?:[^']|'')*'|"(?:[^"]|"")*"|[()[\]{},]|[^'"()[\]{},]+/gy;

/** Finds where the bracket that opens at `open` ends, and what its commas part. */
export function bracketAt(sql: string, open: number): { to: number; args: string[] } {
  const args: string[] = [];
  let depth = 0;
  let from = open + 1;
  PIECE.lastIndex = open;
  for (let found = PIECE.exec(sql); found; found = PIECE.exec(sql)) {
    const [text] = found;
    if (/^[([{]$/.test(text)) depth++;
    else if (/^[)\]}]$/.test(text)) depth--;
    const ends = depth === 0;
    if (!ends && !(text === ',' && depth === 1)) continue;
    args.push(sql.slice(from, found.index).trim());
    from = found.index + 1;
    if (ends) return { to: from, args: args.length === 1 && args[0] === '' ? [] : args };
  }
  return { to: sql.length, args };
}

/** Calls of a function by name, outside of texts; those inside another one come after it. */
export function* callsOf(sql: string, name: RegExp): Generator<Call & { name: string }> {
  const start = /'(?:[^']|'')*'|"(?:[^"]|"")*"|\b([A-Za-z_][\w$]*)\s*\(/g;
  for (let found = start.exec(sql); found; found = start.exec(sql)) {
    const called = found[1];
    if (called === undefined || !name.test(called)) continue;
    yield { name: called, from: found.index, ...bracketAt(sql, found.index + found[0].length - 1) };
  }
}

/**
 * Writes calls anew, the innermost first.
 *
 * @param write gives what stands for a call, or null for one that stays
 */
export function rewriteCalls(
  sql: string,
  name: RegExp,
  write: (args: string[], name: string) => string | null,
): string {
  let text = sql;
  for (const { from, name: called } of [...callsOf(sql, name)].reverse()) {
    // what stood inside has been written anew: the call ends elsewhere now
    const open = text.indexOf('(', from);
    const now = bracketAt(text, open);
    const made = write(now.args, called);
    if (made !== null) text = text.slice(0, from) + made + text.slice(now.to);
  }
  return text;
}

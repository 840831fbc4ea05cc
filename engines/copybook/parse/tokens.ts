import { MillraceError } from '../../../schemas/errors.js';

export interface Place {
  file: string;
  /** 1-based */
  line: number;
  /** 1-based, counted in the line as it stands, sequence numbers included */
  column: number;
}

export interface Token extends Place {
  /** `stop` is the full stop that ends an entry */
  kind: 'word' | 'literal' | 'stop';
  text: string;
  /** the text in upper case: COBOL knows no case */
  upper: string;
}

/** Which columns hold the copybook: sequence numbers stand before, remarks behind. */
export interface CommentColumns {
  truncate: boolean;
  /** columns before the text (6) */
  before: number;
  /** last column of the text (72) */
  after: number;
}

/** @returns the error of a copybook that is not COBOL: file, line, column, what was found and what was expected */
export function copybookInvalid(where: Place, what: string, fix: string): MillraceError {
  const { file, line, column } = where;
  return new MillraceError('CopybookInvalid', { what, where: { file, line, column }, fix });
}

/**
 * Splits a copybook into words, literals and full stops, each with its place. A `*` begins a remark, wherever it
 * stands outside a literal; so does a `/` in the indicator column. A `-` there continues the line before.
 * @throws MillraceError CopybookInvalid for a literal that is not closed
 */
export function tokenize(file: string, text: string, columns: CommentColumns): Token[] {
  const source = new Source(file, text, columns);
  const tokens: Token[] = [];
  const pattern =
    /(?<space>[\s\u001a]+|[,;](?=\s|$))|(?<remark>\*[^\n]*)|(?<literal>[xXnNgGzZ]?'(?:[^'\n]|'')*'|[xXnNgGzZ]?"(?:[^"\n]|"")*")(?<tail>[-\w:]*)|(?<stop>\.(?=[\s\u001a]|$))|(?<word>==|(?:(?!\.(?:[\s\u001a]|$)|[,;](?:\s|$)|==)[^\s\u001a'"])+)|(?<open>['"])/gy;
  for (let match = pattern.exec(source.text); match; match = pattern.exec(source.text)) {
    const { literal, tail, stop, word, open, remark } = match.groups ?? {};
    const place = source.place(match.index);
    if (open !== undefined) {
      throw copybookInvalid(place, 'A literal is not closed on its line', `Close it with ${open}`);
    }
    if (remark !== undefined && isPicture(tokens)) {
      // asterisks of a picture such as ***9.99 begin no remark
      const text = /^\S+?(?=\.?(\s|$))/.exec(remark)?.[0] ?? remark;
      tokens.push({ ...place, kind: 'word', text, upper: text.toUpperCase() });
      pattern.lastIndex = match.index + text.length;
      continue;
    }
    // a name may be partly quoted: 'PREFIX'-NAME
    const glued = literal !== undefined && tail ? `${literal.replaceAll(/['"]/g, '')}${tail}` : undefined;
    const found = glued ?? literal ?? stop ?? word;
    if (found === undefined) continue;
    const kind =
      stop !== undefined ? 'stop' : glued === undefined && literal !== undefined ? 'literal' : 'word';
    tokens.push({ ...place, kind, text: found, upper: found.toUpperCase() });
  }
  return tokens;
}

/** A picture comes next. */
function isPicture(tokens: Token[]): boolean {
  const last = tokens.at(-1)?.upper === 'IS' ? tokens.at(-2) : tokens.at(-1);
  return last?.upper === 'PIC' || last?.upper === 'PICTURE';
}

/** The lines of a copybook without the columns that are not text, and where each piece came from. */
class Source {
  readonly text: string;
  private readonly pieces: { start: number; line: number; column: number }[] = [];

  constructor(
    private readonly file: string,
    text: string,
    { truncate, before, after }: CommentColumns,
  ) {
    let joined = '';
    for (const [index, whole] of text.split(/\r?\n/).entries()) {
      // blanks of other kinds and tabs count as one column each
      const plain = whole.replaceAll(/[\u00a0\t]/g, ' ');
      let line = truncate ? plain.slice(before, after) : plain;
      let column = truncate ? before + 1 : 1;
      const indicator = truncate && before === 6 ? line[0] : undefined;
      if (indicator === '/') continue;
      if (indicator === '-' && /^-\s/.test(line)) {
        const rest = line.slice(1).trimStart();
        column += line.length - rest.length;
        const open = openLiteral(joined);
        line = open && rest.startsWith(open) ? rest.slice(1) : rest;
        if (open && rest.startsWith(open)) column++;
        joined = open ? joined : joined.trimEnd();
      } else if (index > 0) {
        joined += '\n';
      }
      this.pieces.push({ start: joined.length, line: index + 1, column });
      joined += line;
    }
    this.text = joined;
  }

  place(index: number): Place {
    let low = 0;
    let high = this.pieces.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.pieces[middle]?.start ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    const piece = this.pieces[low] ?? { start: 0, line: 1, column: 1 };
    return { file: this.file, line: piece.line, column: piece.column + index - piece.start };
  }
}

/** The quote of a literal that the last line leaves open. */
function openLiteral(text: string): string | undefined {
  let open: string | undefined;
  for (const char of text.slice(text.lastIndexOf('\n') + 1)) {
    if (open === undefined && char === '*') return undefined;
    if (char === open) open = undefined;
    else if (open === undefined && (char === "'" || char === '"')) open = char;
  }
  return open;
}

import type { Site } from './ast.js';
import { JinjaFault } from './fault.js';

export type TokenKind =
  | 'text'
  | 'variableBegin'
  | 'variableEnd'
  | 'blockBegin'
  | 'blockEnd'
  | 'name'
  | 'string'
  | 'integer'
  | 'float'
  | 'operator'
  | 'end';

export interface Token {
  kind: TokenKind;
  value: string;
  site: Site;
}

const OPERATOR = /\*\*|\/\/|==|!=|<=|>=|[+\-*/%~<>=()[\]{},.:|]/y;
const NAME = /[\p{L}_][\p{L}\p{N}_]*/uy;
const NUMBER =
  /(\d[\d_]*\.\d[\d_]*(?:[eE][+-]?\d+)?|\d[\d_]*[eE][+-]?\d+)|(0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|\d[\d_]*)/y;
const STRING = /'(?:[^'\\]|\\[^])*'|"(?:[^"\\]|\\[^])*"/y;
const SPACE = /\s+/y;
const OPENING = /\{\{|\{%|\{#/g;
/** blocks whose inside is text, not template */
const VERBATIM = /\{%[-+]?\s*(raw|docs\b[^%]*?)\s*([-+]?)%\}/y;
const ESCAPES: Record<string, string> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '0': '\0',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
};

/** Cuts a template into tokens; whitespace control (`-`, `+`) is applied to the text here. */
export function tokenize(source: string, file: string): Token[] {
  const text = source.replace(/\r\n?/g, '\n').replace(/\n$/, '');
  return new Lexer(text, file).run();
}

class Lexer {
  private readonly tokens: Token[] = [];
  private position = 0;
  private line = 1;
  private lineStart = 0;
  private counted = 0;
  private trimNext = false;

  constructor(
    private readonly source: string,
    private readonly file: string,
  ) {}

  run(): Token[] {
    while (this.position < this.source.length) {
      OPENING.lastIndex = this.position;
      const opening = OPENING.exec(this.source);
      const at = opening ? opening.index : this.source.length;
      const strip = opening !== null && this.source[at + 2] === '-';
      this.text(at, strip);
      if (!opening) break;
      if (opening[0] === '{#') this.comment(at);
      else if (opening[0] === '{%' && this.verbatim(at)) continue;
      else this.code(at, opening[0] === '{{' ? 'variable' : 'block');
    }
    this.push('end', '', this.source.length);
    return this.tokens;
  }

  private site(at: number): Site {
    for (let i = this.counted; i < at; i++) {
      if (this.source.charCodeAt(i) !== 10) continue;
      this.line++;
      this.lineStart = i + 1;
    }
    this.counted = Math.max(this.counted, at);
    return { file: this.file, line: this.line, column: at - this.lineStart + 1 };
  }

  private push(kind: TokenKind, value: string, at: number): void {
    this.tokens.push({ kind, value, site: this.site(at) });
  }

  private text(end: number, stripEnd: boolean): void {
    let text = this.source.slice(this.position, end);
    if (this.trimNext) text = text.trimStart();
    if (stripEnd) text = text.trimEnd();
    this.trimNext = false;
    if (text) this.push('text', text, this.position);
    this.position = end;
  }

  private comment(at: number): void {
    const end = this.source.indexOf('#}', at + 2);
    if (end < 0) throw new JinjaFault("This comment has no end ('#}')", this.site(at));
    this.trimNext = this.source[end - 1] === '-';
    this.position = end + 2;
  }

  private verbatim(at: number): boolean {
    VERBATIM.lastIndex = at;
    const begin = VERBATIM.exec(this.source);
    if (!begin) return false;
    const tag = begin[1]?.startsWith('docs') ? 'docs' : 'raw';
    const closing = new RegExp(`\\{%([-+]?)\\s*end${tag}\\s*([-+]?)%\\}`, 'g');
    closing.lastIndex = at + begin[0].length;
    const end = closing.exec(this.source);
    if (!end) throw new JinjaFault(`'${tag}' has no end ('{% end${tag} %}')`, this.site(at));
    let text = this.source.slice(at + begin[0].length, end.index);
    if (begin[2] === '-') text = text.trimStart();
    if (end[1] === '-') text = text.trimEnd();
    if (tag === 'docs') {
      this.push('blockBegin', '{%', at);
      this.push('name', 'docs', at);
      this.push('name', (begin[1] ?? '').slice(4).trim(), at);
      this.push('blockEnd', '%}', at);
    }
    if (text || tag === 'docs') this.push('text', text, at);
    this.position = end.index + end[0].length;
    this.trimNext = end[2] === '-';
    return true;
  }

  private code(at: number, kind: 'variable' | 'block'): void {
    this.push(`${kind}Begin`, this.source.slice(at, at + 2), at);
    this.position = at + 2;
    if (this.source[this.position] === '-' || this.source[this.position] === '+') this.position++;
    const close = kind === 'variable' ? '}}' : '%}';
    const open: string[] = [];
    for (;;) {
      this.match(SPACE);
      const here = this.position;
      if (here >= this.source.length)
        throw new JinjaFault(
          `This ${kind === 'variable' ? "'{{'" : "'{%'"} has no end ('${close}')`,
          this.site(at),
        );
      // inside brackets `}}` closes two dicts, as in {{ {'a': {}} }}
      const signed = this.source[here] === '-' || this.source[here] === '+';
      if (open.length === 0 && this.source.startsWith(close, signed ? here + 1 : here)) {
        this.push(`${kind}End`, close, here);
        this.trimNext = this.source[here] === '-';
        this.position = here + (signed ? 3 : 2);
        return;
      }
      this.token(here, open);
    }
  }

  private token(at: number, open: string[]): void {
    const name = this.match(NAME);
    if (name) return this.push('name', name[0], at);
    const number = this.match(NUMBER);
    if (number)
      return this.push(number[1] !== undefined ? 'float' : 'integer', number[0].replaceAll('_', ''), at);
    const string = this.match(STRING);
    if (string) return this.push('string', unescape(string[0].slice(1, -1)), at);
    const operator = this.match(OPERATOR);
    if (!operator) {
      const found = this.source[at] ?? '';
      throw new JinjaFault(
        found === "'" || found === '"' ? 'This text has no closing quote' : `'${found}' has no meaning here`,
        this.site(at),
      );
    }
    const symbol = operator[0];
    if ('([{'.includes(symbol)) open.push(symbol);
    else if (')]}'.includes(symbol)) {
      const expected = { ')': '(', ']': '[', '}': '{' }[symbol];
      if (open.pop() !== expected) throw new JinjaFault(`'${symbol}' closes nothing`, this.site(at));
    }
    this.push('operator', symbol, at);
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.position;
    const match = pattern.exec(this.source);
    if (match) this.position += match[0].length;
    return match;
  }
}

const unescape = (text: string): string =>
  text.includes('\\')
    ? text.replace(
        /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|(\n)|([^]))/g,
        (whole, x, u, U, newline, other) => {
          const code = (x ?? u ?? U) as string | undefined;
          if (code !== undefined) return String.fromCodePoint(parseInt(code, 16));
          if (newline !== undefined) return '';
          const char = other as string;
          return ESCAPES[char] ?? ('\\\'"'.includes(char) ? char : whole);
        },
      )
    : text;

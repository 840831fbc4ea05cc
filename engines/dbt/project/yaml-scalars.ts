/** The parts of simple YAML that stand within a line: scalars, and flow collections. */

export const NOT_SIMPLE = new Error('not simple YAML');
/** leaves the text to the library */
export const giveUp = (): never => {
  throw NOT_SIMPLE;
};

/** words that mean a boolean or null to PyYAML, in any case it knows */
export const SPECIAL = /^(?:~|null|true|false|yes|no|on|off|y|n|\.inf|\.nan)$/i;
const BOOLEANS: Record<string, boolean | null> = {
  ...{ true: true, True: true, TRUE: true, false: false, False: false, FALSE: false },
  ...{ null: null, Null: null, NULL: null, '~': null },
};
/** One value on one line, with a comment perhaps after it. */
export function scalar(text: string): unknown {
  const first = text[0] ?? '';
  if (first === '"' || first === "'") {
    const { value, end } = quoted(text, 0);
    const rest = text.slice(end);
    return rest.trim() === '' || /^\s+#/.test(rest) ? value : giveUp();
  }
  const comment = text.search(/\s#/);
  const plain = (comment < 0 ? text : text.slice(0, comment)).trimEnd();
  return /:(?:\s|$)/.test(plain) ? giveUp() : plainScalar(plain);
}

function plainScalar(text: string): unknown {
  const known = BOOLEANS[text];
  if (known !== undefined) return known;
  if (/^(?:0|[1-9]\d{0,14})$/.test(text)) return Number(text);
  if (/^(?:0|[1-9]\d{0,8})\.\d{1,6}$/.test(text)) return Number(text);
  // a date is kept as it is written
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return text;
  // only what surely is a text
  if (!/^[\p{L}_(<$/]/u.test(text) || SPECIAL.test(text)) giveUp();
  return text;
}

function quoted(text: string, start: number): { value: string; end: number } {
  const quote = text[start] ?? '';
  let end = start + 1;
  for (;;) {
    const close = text.indexOf(quote, end);
    if (close < 0) return giveUp();
    if (quote === "'" && text[close + 1] === "'") end = close + 2;
    else {
      const value = text.slice(start + 1, close);
      if (quote === "'") return { value: value.replaceAll("''", "'"), end: close + 1 };
      return value.includes('\\') ? giveUp() : { value, end: close + 1 };
    }
  }
}

const UNFINISHED = new Error('brackets are open');

/** `[…]` and `{…}`, which may go on over several lines. */
export class Flow {
  private at = 0;

  constructor(private text: string) {}

  add(line: string): void {
    this.text += ` ${line}`;
  }

  /** @returns undefined while brackets are open */
  read(): { data: unknown } | undefined {
    this.at = 0;
    try {
      const data = this.value();
      const rest = this.text.slice(this.at);
      return rest.trim() === '' || /^\s+#/.test(rest) ? { data } : giveUp();
    } catch (cause) {
      if (cause === UNFINISHED) return undefined;
      throw cause;
    }
  }

  private value(): unknown {
    const char = this.peek();
    if (char === '[') return this.list();
    if (char === '{') return this.mapping();
    if (char === '"' || char === "'") return this.quoted();
    return plainScalar(this.plain());
  }

  private list(): unknown[] {
    const items: unknown[] = [];
    this.at++;
    for (;;) {
      if (this.peek() === ']') break;
      items.push(this.value());
      const after = this.peek();
      if (after === ',') this.at++;
      else if (after !== ']') giveUp();
    }
    this.at++;
    return items;
  }

  private mapping(): Record<string, unknown> {
    const made: Record<string, unknown> = {};
    this.at++;
    for (;;) {
      const char = this.peek();
      if (char === '}') break;
      const key = char === '"' || char === "'" ? this.quoted() : plainScalar(this.plain());
      if (typeof key !== 'string' || Object.hasOwn(made, key) || key === '__proto__') return giveUp();
      if (this.peek() !== ':' || !/[\s]/.test(this.text[this.at + 1] ?? ' ')) return giveUp();
      this.at++;
      const next = this.peek();
      made[key] = next === ',' || next === '}' ? null : this.value();
      const after = this.peek();
      if (after === ',') this.at++;
      else if (after !== '}') giveUp();
    }
    this.at++;
    return made;
  }

  private quoted(): string {
    const { value, end } = quoted(this.text, this.at);
    this.at = end;
    return value;
  }

  private plain(): string {
    const start = this.at;
    while (this.at < this.text.length) {
      const char = this.text[this.at] ?? '';
      if (',[]{}'.includes(char)) break;
      if (char === ':' && /[\s,[\]{}]/.test(this.text[this.at + 1] ?? ' ')) break;
      if (char === '#' && /\s/.test(this.text[this.at - 1] ?? '')) return giveUp();
      this.at++;
    }
    return this.text.slice(start, this.at).trimEnd();
  }

  private peek(): string {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
    if (this.at >= this.text.length) throw UNFINISHED;
    if (this.text[this.at] === '#') return giveUp();
    return this.text[this.at] ?? '';
  }
}

import { Flow, giveUp, NOT_SIMPLE, scalar, SPECIAL } from './yaml-scalars.js';

/**
 * Reads the YAML that property files are nearly always written in, some ten times faster than the library does: blocks
 * of mappings and lists, plain and quoted scalars on one line, flow collections, literal and simple folded texts.
 *
 * @returns undefined for anything else (anchors, tags, errors …): the library must read it then, and says what is wrong
 */
export function readSimpleYaml(text: string): { data: unknown } | undefined {
  try {
    return { data: new Reader(text).document() };
  } catch (cause) {
    if (cause === NOT_SIMPLE) return undefined;
    throw cause;
  }
}

interface Line {
  indent: number;
  /** without indentation, comment and blanks at its end */
  content: string;
  /** number of the line in the text */
  at: number;
}

const KEY = /^(?:([+\w](?:[\w+. /()-]*[\w)])?)|"([^"\\]*)"|'([^']*)')\s*:(?:\s+(.*))?$/s;

class Reader {
  private readonly source: string[];
  private readonly lines: Line[] = [];
  private next = 0;

  constructor(text: string) {
    this.source = text.split('\n');
    for (const [at, raw] of this.source.entries()) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      const content = line.trimStart();
      if (content === '' || content.startsWith('#')) continue;
      const indent = line.length - content.length;
      if (line.slice(0, indent).includes('\t')) {
        this.lines.push({ indent, content: '\t', at });
        continue;
      }
      this.lines.push({ indent, content: content.trimEnd(), at });
    }
  }

  document(): unknown {
    if (this.lines[0]?.content === '---') this.next = 1;
    const first = this.lines[this.next];
    if (!first) return null;
    const data = this.block(first.indent);
    if (this.next < this.lines.length) giveUp();
    return data;
  }

  private block(indent: number): unknown {
    const line = this.lines[this.next];
    if (line?.indent !== indent) return giveUp();
    return isItem(line.content) ? this.list(indent) : this.mapping(indent);
  }

  private list(indent: number): unknown[] {
    const items: unknown[] = [];
    for (;;) {
      const line = this.lines[this.next];
      if (!line || line.indent < indent || (line.indent === indent && !isItem(line.content))) return items;
      if (line.indent > indent) return giveUp();
      const rest = line.content.slice(1).trimStart();
      if (rest === '' || rest.startsWith('#')) {
        this.next++;
        items.push(this.below(indent, false));
      } else if (isItem(rest) || KEY.test(rest)) {
        // what follows the dash begins a block of its own
        const inner = indent + line.content.length - rest.length;
        this.lines[this.next] = { indent: inner, content: rest, at: line.at };
        items.push(this.block(inner));
      } else items.push(this.value(rest, indent));
    }
  }

  private mapping(indent: number): Record<string, unknown> {
    const made: Record<string, unknown> = {};
    for (;;) {
      const line = this.lines[this.next];
      if (!line || line.indent < indent) return made;
      if (line.indent > indent || isItem(line.content)) return giveUp();
      const [found, plain, double, single, rest = ''] = KEY.exec(line.content) ?? [];
      const key = plain ?? double ?? single ?? '';
      if (found === undefined || Object.hasOwn(made, key) || key === '__proto__') return giveUp();
      if (plain !== undefined && (SPECIAL.test(plain) || /^[+\d]*\d/.test(plain))) return giveUp();
      if (rest === '' || rest.startsWith('#')) {
        this.next++;
        made[key] = this.below(indent, true);
      } else made[key] = this.value(rest, indent);
    }
  }

  /** what stands below a key or a dash that has nothing after it */
  private below(indent: number, sameLevelList: boolean): unknown {
    const line = this.lines[this.next];
    if (!line) return null;
    if (line.indent > indent) return this.block(line.indent);
    return sameLevelList && line.indent === indent && isItem(line.content) ? this.list(indent) : null;
  }

  /** a value that begins on the line of its key or dash */
  private value(text: string, indent: number): unknown {
    const first = text[0] ?? '';
    if (first === '|' || first === '>') return this.blockText(text, indent);
    this.next++;
    if (first === '[' || first === '{') return this.flow(text, indent);
    const following = this.lines[this.next];
    if (following && following.indent > indent) return giveUp();
    return scalar(text);
  }

  private flow(text: string, indent: number): unknown {
    const flow = new Flow(text);
    for (;;) {
      const value = flow.read();
      if (value !== undefined) {
        const following = this.lines[this.next];
        if (following && following.indent > indent) return giveUp();
        return value.data;
      }
      const line = this.lines[this.next++];
      if (!line || (line.indent <= indent && !/^[\]}]/.test(line.content))) return giveUp();
      flow.add(line.content);
    }
  }

  /** `|` keeps the lines of a text, `>` joins them; `-` leaves out the line break at its end */
  private blockText(header: string, indent: number): string {
    const style = /^([|>])(-?)(?:\s+#.*)?$/.exec(header) ?? giveUp();
    const start = (this.lines[this.next]?.at ?? 0) + 1;
    let end = start;
    const rows: string[] = [];
    let inner: number | undefined;
    for (; end < this.source.length; end++) {
      const row = (this.source[end] ?? '').replace(/\r$/, '');
      if (row.trim() === '') {
        rows.push('');
        if (row.length > (inner ?? 0)) return giveUp();
        continue;
      }
      const depth = row.length - row.trimStart().length;
      if (depth <= indent) break;
      inner ??= depth;
      if (depth < inner || row.slice(0, depth).includes('\t')) return giveUp();
      rows.push(row.slice(inner));
    }
    while (rows.at(-1) === '') rows.pop();
    if (rows.length === 0) return giveUp();
    this.next++;
    while ((this.lines[this.next]?.at ?? Infinity) < end) this.next++;
    const folded = style[1] === '>';
    if (folded && rows.some((row) => row === '' || row.startsWith(' '))) return giveUp();
    return rows.join(folded ? ' ' : '\n') + (style[2] === '-' ? '' : '\n');
  }
}

const isItem = (content: string): boolean => content === '-' || content.startsWith('- ');

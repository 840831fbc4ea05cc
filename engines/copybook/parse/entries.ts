import { didYouMean } from '../../nearest.js';
import { parsePicture, type Picture } from './picture.js';
import { copybookInvalid, type Place, type Token } from './tokens.js';

export type Usage =
  | 'display'
  | 'national'
  | 'binary'
  | 'native-binary'
  | 'little-endian-binary'
  | 'packed'
  | 'unsigned-packed'
  | 'float'
  | 'double'
  | 'index'
  | 'pointer'
  | 'function-pointer';

/** One data description entry, as written. */
export interface Entry extends Place {
  level: number;
  /** as in records: `-` became `_`; `FILLER` when the entry has no name */
  name: string;
  picture?: Picture;
  pictureText: string;
  usage?: Usage;
  sign?: { position: 'leading' | 'trailing'; separate: boolean };
  occurs?: { min: number; max: number; dependingOn?: string };
  redefines?: string;
  synchronized: boolean;
  /** RENAMES of level 66: first and last field */
  renames?: [string, string];
}

const USAGES: Record<string, Usage> = {
  DISPLAY: 'display',
  'DISPLAY-1': 'national',
  NATIONAL: 'national',
  BINARY: 'binary',
  COMP: 'binary',
  'COMP-0': 'binary',
  'COMP-1': 'float',
  'COMP-2': 'double',
  'COMP-3': 'packed',
  'COMP-3U': 'unsigned-packed',
  'COMP-4': 'binary',
  'COMP-5': 'native-binary',
  'COMP-9': 'little-endian-binary',
  'PACKED-DECIMAL': 'packed',
  INDEX: 'index',
  POINTER: 'pointer',
  'FUNCTION-POINTER': 'function-pointer',
  'PROCEDURE-POINTER': 'function-pointer',
};
const USAGE_NAMES = Object.keys(USAGES).flatMap((name) =>
  name.startsWith('COMP') ? [name, name.replace('COMP', 'COMPUTATIONAL')] : [name],
);
const usageOf = (word: string): Usage | undefined => USAGES[word.replace('COMPUTATIONAL', 'COMP')];

const CLAUSES = [
  ...['PIC', 'PICTURE', 'USAGE', 'REDEFINES', 'OCCURS', 'SIGN', 'LEADING', 'TRAILING', 'VALUE', 'VALUES'],
  ...['SYNC', 'SYNCHRONIZED', 'JUST', 'JUSTIFIED', 'BLANK', 'RENAMES', 'EXTERNAL', 'GLOBAL', 'GROUP-USAGE'],
  ...['INDEXED', 'ASCENDING', 'DESCENDING', 'DEPENDING', 'TIMES'],
];
const KEYWORDS = new Set([...CLAUSES, ...USAGE_NAMES]);
/** Words that steer the listing of a compiler, not the record. */
const LISTING = new Set(['SKIP1', 'SKIP2', 'SKIP3', 'EJECT']);

/** `-` becomes `_`, quotes and the colons of `:TAG:` go. */
export const recordName = (name: string): string => name.replaceAll(/[:'"]/g, '').replaceAll('-', '_');

/**
 * Reads the entries of a copybook.
 * @throws MillraceError CopybookInvalid with the place, what was found and what was expected
 */
export function parseEntries(tokens: Token[]): Entry[] {
  const parser = new Parser(tokens);
  const entries: Entry[] = [];
  for (let entry = parser.next(); entry; entry = parser.next()) entries.push(entry);
  return entries;
}

class Parser {
  private at = 0;

  constructor(private readonly tokens: Token[]) {}

  /** The next entry that describes data; conditions (88) and constants (78) are read over. */
  next(): Entry | undefined {
    for (;;) {
      const token = this.tokens[this.at];
      if (!token) return undefined;
      if (token.kind === 'stop' || LISTING.has(token.upper)) {
        this.at++;
        continue;
      }
      if (token.kind !== 'word' || !/^\d{1,2}$/.test(token.text)) {
        throw this.unexpected('a level number such as 05 at the start of an entry');
      }
      const level = Number(token.text);
      if ((level < 1 || level > 49) && ![66, 77, 78, 88].includes(level)) {
        throw this.unexpected('a level from 01 to 49, 66, 77 or 88');
      }
      this.at++;
      if (level !== 88 && level !== 78) return this.entry(level, token);
      this.name();
      this.values();
      this.stop();
    }
  }

  private entry(level: number, place: Place): Entry {
    const named = this.peek();
    const anonymous = !named || named.kind !== 'word' || KEYWORDS.has(named.upper);
    const name = anonymous ? 'FILLER' : this.name();
    const { file, line, column } = anonymous ? place : (named as Place);
    const entry: Entry = { level, name, pictureText: '', synchronized: false, file, line, column };
    while (this.peek()?.kind === 'word') this.clause(entry);
    this.stop();
    if (level === 66 && !entry.renames) {
      throw copybookInvalid(
        place,
        `Level 66 '${name}' has no RENAMES`,
        'Expected RENAMES field [THRU field]',
      );
    }
    return entry;
  }

  private clause(entry: Entry): void {
    const token = this.take();
    const { upper } = token;
    const usage = usageOf(upper);
    if (usage) entry.usage = usage;
    else if (upper === 'USAGE') {
      this.skip('IS');
      const word = this.take();
      const named = usageOf(word.upper);
      if (!named)
        throw this.unexpected(
          `a usage: ${didYouMean(word.upper, USAGE_NAMES) || Object.keys(USAGES).join(', ')}`,
          word,
        );
      entry.usage = named;
    } else if (upper === 'PIC' || upper === 'PICTURE') this.picture(entry);
    else if (upper === 'REDEFINES') entry.redefines = this.name();
    else if (upper === 'OCCURS') this.occurs(entry, token);
    else if (upper === 'SIGN' || upper === 'LEADING' || upper === 'TRAILING') this.sign(entry, token);
    else if (upper === 'VALUE' || upper === 'VALUES') {
      this.at--;
      this.values();
    } else if (upper === 'RENAMES') {
      const from = this.name();
      const through = this.skip('THRU') || this.skip('THROUGH');
      entry.renames = [from, through ? this.name() : from];
    } else if (upper === 'SYNC' || upper === 'SYNCHRONIZED') {
      entry.synchronized = true;
      if (!this.skip('LEFT')) this.skip('RIGHT');
    } else if (upper === 'JUST' || upper === 'JUSTIFIED') this.skip('RIGHT');
    else if (upper === 'BLANK') {
      this.skip('WHEN');
      if (!this.skip('ZERO') && !this.skip('ZEROS') && !this.skip('ZEROES')) throw this.unexpected('ZERO');
    } else if (upper === 'GROUP-USAGE') {
      this.skip('IS');
      this.take();
    } else if (upper !== 'EXTERNAL' && upper !== 'GLOBAL') {
      throw this.unexpected(
        `a clause such as PIC, OCCURS or COMP-3, or a full stop. ${didYouMean(upper, KEYWORDS)}`.trimEnd(),
        token,
      );
    }
  }

  private picture(entry: Entry): void {
    this.skip('IS');
    const token = this.peek();
    // PIC COMP-1 is found in the wild
    if (token && usageOf(token.upper)) return;
    if (token?.kind !== 'word') throw this.unexpected('a picture such as X(10) or S9(5)V99');
    this.at++;
    entry.picture = parsePicture(token.text, token);
    entry.pictureText = token.text;
  }

  private occurs(entry: Entry, place: Token): void {
    let min = this.integer('the number of elements');
    let max = min;
    if (this.skip('TO')) max = this.integer('the greatest number of elements');
    else if (this.lookahead('DEPENDING')) min = 0;
    if (max < min || max < 1) {
      throw copybookInvalid(
        place,
        `OCCURS ${min} TO ${max} leaves no room`,
        'Expected a greatest number of at least 1 and no less than the smallest',
      );
    }
    this.skip('TIMES');
    entry.occurs = { min, max };
    for (;;) {
      if (this.skip('DEPENDING')) {
        this.skip('ON');
        entry.occurs.dependingOn = this.name();
      } else if (this.skip('ASCENDING') || this.skip('DESCENDING')) {
        this.skip('KEY');
        this.skip('IS');
        this.names();
      } else if (this.skip('INDEXED')) {
        this.skip('BY');
        this.names();
      } else return;
    }
  }

  /** DEPENDING comes next, with or without TIMES before it. */
  private lookahead(word: string): boolean {
    const next = this.peek()?.upper === 'TIMES' ? this.tokens[this.at + 1] : this.peek();
    return next?.upper === word;
  }

  private sign(entry: Entry, token: Token): void {
    let side = token.upper;
    if (side === 'SIGN') {
      this.skip('IS');
      side = this.take().upper;
    }
    if (side !== 'LEADING' && side !== 'TRAILING')
      throw this.unexpected('LEADING or TRAILING', this.tokens[this.at - 1]);
    const separate = this.skip('SEPARATE');
    this.skip('CHARACTER');
    entry.sign = { position: side === 'LEADING' ? 'leading' : 'trailing', separate };
  }

  /** Initial values and the values of conditions; they do not change where bytes are. */
  private values(): void {
    const token = this.take();
    if (token.upper !== 'VALUE' && token.upper !== 'VALUES') throw this.unexpected('VALUE', token);
    if (!this.skip('IS')) this.skip('ARE');
    let count = 0;
    for (;;) {
      const next = this.peek();
      if (!next || next.kind === 'stop' || (next.kind === 'word' && KEYWORDS.has(next.upper))) break;
      this.at++;
      count++;
    }
    if (count === 0) throw this.unexpected('a literal after VALUE');
  }

  private name(): string {
    const token = this.peek();
    if (token?.kind !== 'word' || !/^['":\w][-\w:'"#@$]*$/.test(token.text)) throw this.unexpected('a name');
    this.at++;
    while (this.peek()?.upper === 'OF' || this.peek()?.upper === 'IN') this.at += 2;
    return recordName(token.text);
  }

  private names(): void {
    this.name();
    while (this.peek()?.kind === 'word' && !KEYWORDS.has(this.peek()?.upper ?? '')) this.name();
  }

  private integer(what: string): number {
    const token = this.peek();
    if (!token || !/^\d+$/.test(token.text)) throw this.unexpected(`${what}, a whole number`);
    this.at++;
    return Number(token.text);
  }

  private stop(): void {
    if (this.peek()?.kind !== 'stop') throw this.unexpected('a full stop');
    this.at++;
  }

  private peek(): Token | undefined {
    return this.tokens[this.at];
  }

  private take(): Token {
    const token = this.peek();
    if (!token || token.kind === 'stop') throw this.unexpected('a word');
    this.at++;
    return token;
  }

  private skip(word: string): boolean {
    if (this.peek()?.upper !== word) return false;
    this.at++;
    return true;
  }

  private unexpected(expected: string, found = this.peek()): Error {
    const last = this.tokens.at(-1);
    const place = found ?? last ?? { file: '', line: 1, column: 1 };
    const what = found ? `'${found.text}' was found` : 'The copybook ends in the middle of an entry';
    return copybookInvalid(place, what, `Expected ${expected}`);
  }
}

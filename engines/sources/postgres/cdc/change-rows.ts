import { CHANGES } from '../../../lake/bronze.js';
import type { RowFile } from '../row-file.js';
import { arrayAsJson } from './array-text.js';
import { NULL, UNCHANGED, type Tuple } from './pgoutput.js';

export type Op = 'i' | 'u' | 'd' | 't';

/** The columns of {@link CHANGES} as they follow a row's own in the CSV, and how DuckDB reads them. */
export const CHANGE_COLUMNS = CHANGES.map(({ name, type }) => ({
  ...{ name, type },
  csv:
    ({ int64: 'BIGINT' } as Record<string, string>)[type] ?? (name === '_commit_at' ? 'BIGINT' : 'VARCHAR'),
  sql:
    name === '_commit_at'
      ? 'make_timestamptz(_commit_at)'
      : name === '_unchanged'
        ? `from_json(_unchanged, '["VARCHAR"]')`
        : name,
}));

/** A column of the publication that bronze takes. */
export interface ChangeField {
  name: string;
  /** 0-based in the tuples */
  at: number;
  list: boolean;
  key: boolean;
}

/** What a row of a change looks like in the CSV that DuckDB reads. */
export class ChangeRows {
  constructor(private readonly fields: ChangeField[]) {}

  /**
   * @param row its values; `undefined` for a truncation
   * @param old the row before, as far as the server sends it: takes the place of values that it left out
   * @param transaction `lsn,` and the commit's time, made once for all rows of a transaction
   * @param seq orders the changes of a transaction
   */
  write(
    file: RowFile,
    op: Op,
    row: Tuple | undefined,
    old: Tuple | undefined,
    transaction: { lsn: string; at: string },
    seq: number,
  ): void {
    const { fields } = this;
    const unchanged: string[] = [];
    const end = `${op},${transaction.lsn},${seq},${transaction.at},`;
    let most = end.length + 4;
    // values that are quoted throughout are at most twice as long
    if (row) most += 2 * (row.bytes.length + (old?.bytes.length ?? 0)) + 8 * fields.length;
    else most += fields.length;
    let extra: Buffer[] | undefined;
    const lists = row && fields.some(({ list }) => list);
    if (lists) {
      extra = fields.map((field) => (field.list ? listText(pick(field.at, row, old)) : EMPTY));
      most += extra.reduce((sum, text) => sum + 2 * text.length + 2, 0);
    }
    const names = row ? fields.filter(({ at }) => pick(at, row, old) === UNCHANGED_VALUE) : [];
    for (const { name } of names) unchanged.push(name);
    const left = unchanged.length > 0 ? Buffer.from(JSON.stringify(unchanged)) : EMPTY;
    most += 2 * left.length + 2;
    const out = file.room(most);
    const from = file.at;
    let at = from;
    for (let n = 0; n < fields.length; n++) {
      const field = fields[n] as ChangeField;
      if (row) {
        const text = extra?.[n];
        if (field.list && text) {
          if (text.length > 0) at = quote(out, at, text, 0, text.length);
        } else at = writeValue(out, at, field.at, row, old);
      }
      out[at++] = COMMA;
    }
    at += out.write(end, at, 'latin1');
    if (left.length > 0) at = quote(out, at, left, 0, left.length);
    out[at++] = LF;
    file.end(at - from);
  }

  /** Whether an update moved the row to another key. */
  movesKey(row: Tuple, old: Tuple): boolean {
    return this.fields.some(({ key, at }) => key && !sameValue(at, row, old));
  }
}

const [COMMA, LF, QUOTE] = [0x2c, 0x0a, 0x22];
const EMPTY = Buffer.alloc(0);

interface Slice {
  bytes: Buffer;
  start: number;
  end: number;
}
const NULL_VALUE = { bytes: EMPTY, start: NULL, end: 0 };
const UNCHANGED_VALUE = { bytes: EMPTY, start: UNCHANGED, end: 0 };

/** The value of a column: the row's, or where the server left it out and sent it with the row before, that one's. */
function pick(column: number, row: Tuple, old: Tuple | undefined): Slice {
  const start = row.bounds[2 * column] ?? NULL;
  if (start >= 0) return { bytes: row.bytes, start, end: row.bounds[2 * column + 1] ?? start };
  if (start === NULL) return NULL_VALUE;
  const before = old?.bounds[2 * column] ?? UNCHANGED;
  if (!old || before < 0) return UNCHANGED_VALUE;
  return { bytes: old.bytes, start: before, end: old.bounds[2 * column + 1] ?? before };
}

function writeValue(out: Buffer, at: number, column: number, row: Tuple, old: Tuple | undefined): number {
  const { bytes, start, end } = pick(column, row, old);
  return start < 0 ? at : quote(out, at, bytes, start, end);
}

/** Quoted, so that an empty text is none of NULL; quotes in it doubled. */
function quote(out: Buffer, from: number, bytes: Buffer, start: number, end: number): number {
  let at = from;
  out[at++] = QUOTE;
  for (let n = start; n < end; n++) {
    const byte = bytes[n] as number;
    out[at++] = byte;
    if (byte === QUOTE) out[at++] = QUOTE;
  }
  out[at++] = QUOTE;
  return at;
}

function listText({ bytes, start, end }: Slice): Buffer {
  return start < 0 ? EMPTY : Buffer.from(arrayAsJson(bytes.toString('utf8', start, end)));
}

function sameValue(column: number, row: Tuple, old: Tuple): boolean {
  const now = pick(column, row, old);
  const before = pick(column, old, undefined);
  if (now === UNCHANGED_VALUE) return true;
  if (now.start < 0 || before.start < 0) return now.start < 0 === before.start < 0;
  return now.bytes.compare(before.bytes, before.start, before.end, now.start, now.end) === 0;
}

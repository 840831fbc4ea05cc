import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteIdent, quoteText } from '../../warehouse/port.js';
import type { RowColumn, RowColumns } from './row-columns.js';
import type { RowSegment } from './row-file.js';
import { castText, csvType, isMisfit } from './text-values.js';

/** A column beside the table's own: `_op` and its like. */
export interface TrailingColumn {
  name: string;
  /** of bronze */
  type: string;
  /** DuckDB's expression for it */
  sql: string;
  /** type to read it with, where the CSV has it after the table's columns */
  csv?: string;
}

export interface LoaderOptions {
  columns: RowColumns;
  trailing: TrailingColumn[];
  folder: string;
  /** values of the lineage columns */
  table: string;
  batch: string;
  extractedAt: string;
}

export interface LoadedRows {
  /** Parquet, in the order of the rows; empty segments have none */
  parts: string[];
  /** names of the variant columns that the parts have */
  variants: Set<string>;
  loaded: number;
  rejected: number;
  /** values left out */
  discarded: number;
}

interface Part {
  path: string;
  loaded: number;
  variants: Set<string>;
}

const ROW_GROUP = 122_880;
const PARQUET = `(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP})`;

/**
 * Casts segments of rows to Parquet, one a session at a time, while the server sends the next. The first try takes it
 * that all values fit, which is nearly always so; a segment where one does not is read again with care.
 */
export class RowLoader {
  private readonly parts = new Map<number, Part>();
  private readonly lanes: Promise<void>[];
  private failure: { error: unknown } | undefined;
  private discarded = 0;
  private rejected = 0;

  private constructor(
    private readonly sessions: DuckDBConnection[],
    private readonly options: LoaderOptions,
  ) {
    this.lanes = sessions.map(() => Promise.resolve());
  }

  static async create(sessions: DuckDBConnection[], options: LoaderOptions): Promise<RowLoader> {
    await sessions[0]?.run(
      'CREATE TABLE rejected (record BIGINT, line BIGINT, byte BIGINT, reason VARCHAR, raw BLOB, file VARCHAR)',
    );
    return new RowLoader(sessions, options);
  }

  /** Waits for a free session, so that segments do not pile up. @throws what an earlier segment failed with */
  async add(index: number, segment: RowSegment): Promise<void> {
    const lane = await Promise.race(this.lanes.map((busy, n) => busy.then(() => n)));
    if (this.failure) throw this.failure.error;
    const session = this.sessions[lane] as DuckDBConnection;
    this.lanes[lane] = this.load(session, index, segment).catch((error: unknown) => {
      this.failure ??= { error };
    });
  }

  /** Stops what runs; only then the sessions may be closed. */
  async stop(): Promise<void> {
    this.failure ??= { error: new Error('stopped') };
    for (const session of this.sessions) session.interrupt();
    await Promise.all(this.lanes);
  }

  async finish(): Promise<LoadedRows> {
    await Promise.all(this.lanes);
    if (this.failure) throw this.failure.error;
    const inOrder = [...this.parts].sort(([a], [b]) => a - b).map(([, part]) => part);
    const variants = new Set(inOrder.flatMap((part) => [...part.variants]));
    for (const part of inOrder)
      if (part.variants.size < variants.size) await this.addVariants(part, variants);
    return {
      parts: inOrder.map(({ path }) => path),
      variants,
      loaded: inOrder.reduce((sum, { loaded }) => sum + loaded, 0),
      ...{ rejected: this.rejected, discarded: this.discarded },
    };
  }

  /** Writes the rows that were set aside: `record, line, byte, reason, raw, file`; raw is the row as JSON of texts. */
  async writeQuarantine(path: string): Promise<void> {
    await this.session.run(`COPY (SELECT * FROM rejected ORDER BY record) TO ${quoteText(path)} ${PARQUET}`);
  }

  /** The first reasons, for people. */
  async reasons(count: number): Promise<string[]> {
    const reader = await this.session.runAndReadAll(
      `SELECT format('row {}: {}', record, reason) FROM rejected ORDER BY record LIMIT ${count}`,
    );
    return reader.getRowsJson().map(([text]) => String(text as string));
  }

  get session(): DuckDBConnection {
    return this.sessions[0] as DuckDBConnection;
  }

  private async load(session: DuckDBConnection, index: number, segment: RowSegment): Promise<void> {
    const path = join(this.options.folder, `part-${index}.parquet`);
    const { rejectAll, leftOut } = this.options.columns;
    let part: Part | undefined;
    if (rejectAll === null && leftOut.length === 0) {
      part = await this.loadFitting(session, path, segment).catch(() => undefined);
      if (this.failure) return;
    }
    part ??= await this.loadWithCare(session, path, segment);
    await rm(segment.path, { force: true });
    if (part.loaded > 0) this.parts.set(index, part);
    else await rm(path, { force: true });
  }

  private async loadFitting(session: DuckDBConnection, path: string, segment: RowSegment): Promise<Part> {
    const values = this.options.columns.columns.map(
      (column) => `${castText(`f${column.field}`, column, 'fail')} AS ${quoteIdent(column.name)}`,
    );
    const required = this.options.columns.columns.filter(({ required: must }) => must);
    const where = required.map(
      ({ field }) => `CASE WHEN f${field} IS NULL THEN error('required') ELSE true END`,
    );
    const { rowsChanged: loaded } = await session.run(
      `COPY (SELECT ${[...values, ...this.tail()].join(', ')} FROM ${this.csv(segment, 'row_number() OVER () AS n')}
       ${where.length > 0 ? `WHERE ${where.join(' AND ')}` : ''}) TO ${quoteText(path)} ${PARQUET}`,
    );
    return { path, loaded, variants: new Set() };
  }

  private async loadWithCare(session: DuckDBConnection, path: string, segment: RowSegment): Promise<Part> {
    const { columns, leftOut, rejectAll } = this.options.columns;
    const name = `care_${/(\d+)\D*$/.exec(path)?.[1] ?? '0'}`;
    const tries = columns.map(
      (column) => `${castText(`f${column.field}`, column, 'null')} AS v${column.field}`,
    );
    await session.run(
      `CREATE TEMP TABLE ${name} AS SELECT ${['*', ...tries].join(', ')} FROM ${this.csv(segment, 'row_number() OVER () AS n')}`,
    );
    const odd = new Map(columns.map((one) => [one, isMisfit(`f${one.field}`, `v${one.field}`, one)]));
    const reasons = [
      ...(rejectAll === null ? [] : [quoteText(rejectAll)]),
      ...columns
        .filter(({ misfit, required }) => misfit === 'reject' || required)
        .map((one) => `CASE WHEN ${odd.get(one)} THEN ${reasonOf(one)} END`),
      ...leftOut
        .filter(({ then }) => then === 'reject')
        .map(
          (one) =>
            `CASE WHEN f${one.field} IS NOT NULL THEN ${quoteText(`column "${one.name}" is not known`)} END`,
        ),
    ];
    const reason = reasons.length > 0 ? `nullif(concat_ws('; ', ${reasons.join(', ')}), '')` : 'NULL';
    await session.run(`ALTER TABLE ${name} ADD COLUMN reason VARCHAR`);
    await session.run(`UPDATE ${name} SET reason = ${reason}`);
    await this.countOdd(session, name, odd);
    const variants = await this.variantsOf(session, name, odd);
    const values = columns.flatMap((column) => [
      `v${column.field} AS ${quoteIdent(column.name)}`,
      ...(variants.has(column.variant)
        ? [`CASE WHEN ${odd.get(column)} THEN f${column.field} END AS ${quoteIdent(column.variant)}`]
        : []),
    ]);
    const { rowsChanged: loaded } = await session.run(
      `COPY (SELECT ${[...values, ...this.tail()].join(', ')} FROM ${name} WHERE reason IS NULL ORDER BY n)
       TO ${quoteText(path)} ${PARQUET}`,
    );
    if (loaded < segment.rows) await this.reject(session, name);
    await session.run(`DROP TABLE ${name}`);
    return { path, loaded, variants };
  }

  private async reject(session: DuckDBConnection, name: string): Promise<void> {
    const { columns, table } = this.options;
    const raw = columns.fields.map(({ name: field }, n) => `${quoteText(field)}, f${n}`).join(', ');
    const { rowsChanged } = await session.run(
      `INSERT INTO rejected SELECT n, n, 0, reason, encode(json_object(${raw})::VARCHAR), ${quoteText(table)}
       FROM ${name} WHERE reason IS NOT NULL`,
    );
    this.rejected += rowsChanged;
  }

  private async countOdd(
    session: DuckDBConnection,
    name: string,
    odd: Map<RowColumn, string>,
  ): Promise<void> {
    const counted = [
      ...[...odd].filter(([{ misfit }]) => misfit === 'discard').map(([, condition]) => condition),
      ...this.options.columns.leftOut
        .filter(({ then }) => then === 'discard')
        .map(({ field }) => `f${field} IS NOT NULL`),
    ];
    if (counted.length === 0) return;
    const sum = counted.map((condition) => `count_if(${condition})`).join(' + ');
    const reader = await session.runAndReadAll(`SELECT (${sum})::DOUBLE FROM ${name} WHERE reason IS NULL`);
    this.discarded += Number(reader.getRowsJson()[0]?.[0] ?? 0);
  }

  private async variantsOf(
    session: DuckDBConnection,
    name: string,
    odd: Map<RowColumn, string>,
  ): Promise<Set<string>> {
    const kept = [...odd].filter(([{ misfit }]) => misfit === 'variant');
    if (kept.length === 0) return new Set();
    const any = kept.map(([, condition]) => `coalesce(bool_or(${condition}), false)`).join(', ');
    const reader = await session.runAndReadAll(`SELECT ${any} FROM ${name} WHERE reason IS NULL`);
    const found = reader.getRowsJson()[0] ?? [];
    return new Set(kept.filter((_, n) => found[n] === true).map(([{ variant }]) => variant));
  }

  /** Parts of one batch have the same columns. */
  private async addVariants(part: Part, variants: Set<string>): Promise<void> {
    const { columns } = this.options.columns;
    const names = columns.flatMap(({ name, variant }) => [
      quoteIdent(name),
      ...(part.variants.has(variant)
        ? [quoteIdent(variant)]
        : variants.has(variant)
          ? [`NULL::VARCHAR AS ${quoteIdent(variant)}`]
          : []),
    ]);
    const rest = columns.flatMap(({ name, variant }) => [
      name,
      ...(part.variants.has(variant) ? [variant] : []),
    ]);
    const aside = `${part.path}.new`;
    await this.session.run(
      `COPY (SELECT ${names.join(', ')}, COLUMNS(* EXCLUDE (${rest.map(quoteIdent).join(', ')}))
       FROM read_parquet(${quoteText(part.path)})) TO ${quoteText(aside)} ${PARQUET}`,
    );
    await rm(part.path);
    part.path = aside;
  }

  private tail(): string[] {
    const { trailing, table, batch, extractedAt } = this.options;
    return [
      ...trailing.map(({ name, sql }) => `${sql} AS ${quoteIdent(name)}`),
      `${quoteText(table)} AS _source_file`,
      `n AS _source_position`,
      `${quoteText(batch)} AS _batch`,
      `TIMESTAMPTZ ${quoteText(extractedAt)} AS _extracted_at`,
    ];
  }

  /** The segment as a relation with `f0`, `f1`, …, the trailing fields under their names, and the row's number `n`. */
  private csv({ path, longest, first }: RowSegment, number: string): string {
    const { columns, trailing } = this.options;
    const byField = new Map(columns.columns.map((column) => [column.field, column]));
    const types = columns.fields.map((_, n) => {
      const column = byField.get(n);
      return `'f${n}': '${column ? csvType(column) : 'VARCHAR'}'`;
    });
    const all = [
      ...types,
      ...trailing.flatMap(({ name, csv }) => (csv === undefined ? [] : [`'${name}': '${csv}'`])),
    ];
    const size = Math.max(2 << 20, longest + 16);
    const position =
      first === 0 ? number : number.replace('row_number() OVER ()', `row_number() OVER () + ${first}`);
    return (
      `(SELECT *, ${position} FROM read_csv(${quoteText(path)}, auto_detect = false, header = false, delim = ',', ` +
      `quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false, new_line = '\\n', parallel = false, ` +
      `max_line_size = ${size}, buffer_size = ${Math.max(2 * size, 32 << 20)}, columns = {${all.join(', ')}}))`
    );
  }
}

/** For people: which value of which column does not fit. */
function reasonOf({ name, type, field, required }: RowColumn): string {
  const label = `column ${quoteIdent(name)}: `;
  const wrong = `${quoteText(`${label}'`)} || left(f${field}::VARCHAR, 60) || ${quoteText(`' is not ${type}`)}`;
  return required
    ? `CASE WHEN f${field} IS NULL THEN ${quoteText(`${label}a value is required`)} ELSE ${wrong} END`
    : wrong;
}

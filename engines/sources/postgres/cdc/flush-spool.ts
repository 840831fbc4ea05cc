import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { RowFile, type RowSegment } from '../row-file.js';
import type { Op } from './change-rows.js';
import type { Lsn } from './lsn.js';
import type { Change, Tuple } from './pgoutput.js';
import type { ReplicatedTable, TableShape } from './replicated-tables.js';

/** Changes of one table in one shape. */
export interface SpooledTable {
  shape: TableShape;
  segments: RowSegment[];
  rows: number;
}

const SEGMENT_ROWS = 2 * 122_880;
const SEGMENT_BYTES = 64 << 20;
/** Each table has one. */
const BUFFER = 64 << 10;

/** Changes on their way to bronze, on disk: a transaction may be larger than memory. */
export class FlushSpool {
  readonly tables: SpooledTable[] = [];
  changes = 0;
  transactions = 0;
  /** where the last transaction ends */
  end: Lsn = 0n;
  /** times of commits, in microseconds since 1970 */
  firstAt = 0n;
  lastAt = 0n;
  /** when its first change came, by this machine's clock */
  since = 0;
  private readonly open = new Map<TableShape, { table: SpooledTable; file: RowFile }>();
  private transaction = { lsn: '', at: '' };
  private files = 0;

  constructor(private readonly folder: string) {}

  begin({ lsn, at }: { lsn: Lsn; at: bigint }): void {
    this.transaction = { lsn: lsn.toString(), at: at.toString() };
  }

  /** @returns rows written */
  write({ shape }: ReplicatedTable, change: Change, seq: number): number {
    if (!shape) return 0;
    switch (change.kind) {
      case 'insert':
        return this.row(shape, 'i', change.row, undefined, seq);
      case 'delete':
        return this.row(shape, 'd', change.old, undefined, seq);
      case 'truncate':
        return this.row(shape, 't', undefined, undefined, seq);
      case 'update': {
        const { row, old } = change;
        if (!old || !shape.rows.movesKey(row, old)) return this.row(shape, 'u', row, old, seq);
        const ended = this.row(shape, 'd', old, undefined, seq);
        return ended + this.row(shape, 'i', row, old, seq + ended);
      }
    }
  }

  commit(end: Lsn, at: bigint, counts: boolean): void {
    if (counts) {
      if (this.transactions === 0) this.firstAt = at;
      this.transactions++;
      this.lastAt = at;
    }
    this.end = end;
  }

  /** Nothing more comes. */
  close(): this {
    for (const { table, file } of this.open.values()) table.segments.push(file.close());
    this.open.clear();
    return this;
  }

  discard(): void {
    for (const { file } of this.open.values()) file.discard();
    this.open.clear();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private row(
    shape: TableShape,
    op: Op,
    row: Tuple | undefined,
    old: Tuple | undefined,
    seq: number,
  ): number {
    const open = this.open.get(shape) ?? this.openTable(shape);
    shape.rows.write(open.file, op, row, old, this.transaction, seq);
    open.table.rows++;
    this.changes++;
    if (open.file.rows >= SEGMENT_ROWS || open.file.bytes >= SEGMENT_BYTES) {
      open.table.segments.push(open.file.close());
      open.file = this.newFile(open.table.rows);
    }
    return 1;
  }

  private openTable(shape: TableShape): { table: SpooledTable; file: RowFile } {
    if (this.tables.length === 0) {
      mkdirSync(this.folder, { recursive: true });
      this.since = Date.now();
    }
    const table: SpooledTable = { shape, segments: [], rows: 0 };
    const open = { table, file: this.newFile(0) };
    this.tables.push(table);
    this.open.set(shape, open);
    return open;
  }

  private newFile = (first: number): RowFile =>
    new RowFile(join(this.folder, `changes-${this.files++}.csv`), first, BUFFER);
}

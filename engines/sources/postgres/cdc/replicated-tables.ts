import type pg from 'pg';
import type { Batch, BronzeSchema } from '../../../../schemas/lake.js';
import type { PostgresStream } from '../../../../schemas/postgres.js';
import { CHANGES } from '../../../lake/bronze.js';
import { currentSchema, joinSchemas } from '../../../lake/contract.js';
import { describeTable, keyOf, type Table } from '../catalog.js';
import { planRowColumns, rowSchema, type RowColumns } from '../row-columns.js';
import { Types } from '../types.js';
import { ChangeRows } from './change-rows.js';
import { lastCopy, replicatedStreams, type ReplicationConfig } from './config.js';
import { parseLsn, Visible, type Lsn } from './lsn.js';
import type { Relation } from './pgoutput.js';

/** A table in one of its shapes. */
export interface TableShape {
  table: ReplicatedTable;
  columns: RowColumns;
  rows: ChangeRows;
  /** it brought a column with a default: rows got values that no change tells */
  recopy: boolean;
}

/** The tables of a stream of changes, by the numbers that the server gives them. */
export class ReplicatedTables {
  private readonly byOid: Map<number, ReplicatedTable>;
  private readonly types = new Types();

  private constructor(tables: ReplicatedTable[]) {
    this.byOid = new Map(tables.map((table) => [table.oid, table]));
  }

  /** @throws MillraceError SourceMissing, ColumnMissing */
  static async open(
    client: pg.Client,
    config: ReplicationConfig,
    batches: ReadonlyMap<string, readonly Batch[]>,
  ): Promise<ReplicatedTables> {
    const tables: ReplicatedTable[] = [];
    for (const [name, stream] of replicatedStreams(config.spec)) {
      const described = await describeTable(client, stream.table ?? name);
      tables.push(new ReplicatedTable(config.source, name, stream, described, batches.get(name) ?? []));
    }
    return new ReplicatedTables(tables);
  }

  get = (oid: number): ReplicatedTable | undefined => this.byOid.get(oid);

  /** @returns false when types of the relation must be learnt first @throws MillraceError SchemaMismatch */
  apply(relation: Relation): boolean {
    const table = this.byOid.get(relation.oid);
    if (!table) return true;
    if (!relation.columns.every(({ oid }) => this.types.knows(oid)) || table.needsDefaults(relation))
      return false;
    table.reshape(relation, this.types);
    return true;
  }

  /** Looks up what {@link apply} needs. */
  async learn(client: pg.Client, { oid, columns }: Relation): Promise<void> {
    await this.types.learn(
      client,
      columns.map((column) => column.oid),
    );
    const { rows } = await client.query<{ name: string }>(
      `SELECT attname AS name FROM pg_attribute
       WHERE attrelid = $1 AND attnum > 0 AND (atthasdef OR atthasmissing OR attidentity <> '')`,
      [oid],
    );
    this.byOid.get(oid)?.learnDefaults(rows.map(({ name }) => name));
  }
}

export class ReplicatedTable {
  readonly oid: number;
  readonly label: string;
  readonly key: string[];
  shape: TableShape | undefined;
  private relation = '';
  private schema: BronzeSchema | undefined;
  private readonly copy: { visible: Visible; lsn: Lsn } | undefined;
  private defaults: Set<string> | undefined;
  private asked: { transaction: object; shown: boolean } | undefined;

  constructor(
    private readonly source: string,
    readonly name: string,
    readonly stream: PostgresStream,
    table: Table,
    batches: readonly Batch[],
  ) {
    this.oid = table.oid;
    this.label = table.label;
    this.key = keyOf(table, stream.key);
    this.schema = ownSchema(currentSchema(batches));
    const copied = lastCopy(batches)?.snapshot;
    this.copy = copied && { visible: new Visible(copied.visible), lsn: parseLsn(copied.lsn) };
  }

  /**
   * Whether the table's copy shows what a transaction did; without a copy every transaction counts as shown, because the
   * copy is yet to be made. What was committed after the copy's place in the log cannot be in it, so numbers of
   * transactions are compared only while they are near.
   */
  isInCopy(transaction: { lsn: Lsn; xid: number }): boolean {
    if (!this.copy) return true;
    if (transaction.lsn > this.copy.lsn) return false;
    if (this.asked?.transaction !== transaction)
      this.asked = { transaction, shown: this.copy.visible.shows(transaction.xid) };
    return this.asked.shown;
  }

  needsDefaults = (relation: Relation): boolean => this.newColumns(relation).length > 0 && !this.defaults;

  learnDefaults(names: string[]): void {
    this.defaults = new Set(names);
  }

  private newColumns({ columns }: Relation): string[] {
    const known = new Set(this.schema?.map(({ name }) => name));
    return this.schema ? columns.map(({ name }) => name).filter((name) => !known.has(name)) : [];
  }

  reshape(relation: Relation, types: Types): void {
    const text = JSON.stringify(relation.columns);
    if (text === this.relation) return; // the server repeats itself
    const recopy = this.newColumns(relation).some((name) => this.defaults?.has(name));
    this.defaults = undefined; // another change of the shape has others
    const { select, contract } = this.stream;
    const published = relation.columns.flatMap((column, at) =>
      select && !select.includes(column.name)
        ? []
        : [{ name: column.name, type: types.bronzeOf(column), at }],
    );
    const columns = planRowColumns({
      ...{ current: this.schema, contract, declared: this.stream.columns, keepRows: true },
      incoming: published.map(({ name, type }) => ({ name, type })),
      ...{ stream: `${this.source}.${this.name}`, table: this.label },
    });
    const key = new Set(this.key);
    const fields = published.map(({ name, type, at }) => ({
      ...{ name, at, list: type.endsWith('[]'), key: key.has(name) },
    }));
    this.shape = { table: this, columns, rows: new ChangeRows(fields), recopy };
    this.schema = joinSchemas(this.schema, rowSchema(columns, new Set()));
    this.relation = text;
  }
}

/** A replicated table's own columns. */
export function ownSchema(schema: BronzeSchema | undefined): BronzeSchema | undefined {
  const added = new Set(CHANGES.map(({ name }) => name));
  return schema?.filter(({ name }) => !added.has(name));
}

import type pg from 'pg';
import { quoteRelation } from '../../../warehouse/port.js';
import type { Table } from '../catalog.js';

/** A part of a table that one session copies: a range of pages of the table or of one of its partitions. */
export interface Chunk {
  number: number;
  oid: number;
  /** quoted */
  relation: string;
  condition: string | undefined;
}

interface Leaf {
  oid: string;
  schema: string;
  name: string;
  kind: string;
  pages: number;
  rows: number;
}

/** Where the server has not counted rows yet. */
const ROWS_OF_A_PAGE = 60;

/** Cuts by where rows lie, which needs no key and costs no sort; together the chunks are the whole table. */
export async function planChunks(client: pg.Client, table: Table, chunkRows: number): Promise<Chunk[]> {
  const { rows: leaves } = await client.query<Leaf>(
    `SELECT c.oid::int8::text AS oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind, c.reltuples::float8 AS rows,
       (CASE WHEN c.relkind = 'r' THEN pg_relation_size(c.oid) ELSE 0 END / current_setting('block_size')::int)::float8 AS pages
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = $1 AND c.relkind <> 'p' OR c.oid IN (SELECT relid FROM pg_partition_tree($1::oid) WHERE isleaf AND relid <> $1)
     ORDER BY c.oid`,
    [table.oid],
  );
  const { rows: versions } = await client.query<{ version: number }>(
    `SELECT current_setting('server_version_num')::int AS version`,
  );
  // before version 14 a range of pages is found by reading the whole table
  const mayCut = (versions[0]?.version ?? 0) >= 140_000;
  const chunks: Chunk[] = [];
  for (const { oid, schema, name, kind, pages, rows } of leaves) {
    const relation = quoteRelation({ schema, name });
    const perPage = rows > 0 && pages > 0 ? Math.max(1, rows / pages) : ROWS_OF_A_PAGE;
    const step = Math.max(1, Math.round(chunkRows / perPage));
    const count = mayCut && kind === 'r' ? Math.max(1, Math.ceil(pages / step)) : 1;
    for (let n = 0; n < count; n++) {
      const from = n === 0 ? undefined : `ctid >= '(${n * step},0)'::tid`;
      // the last one is open: the table may have grown since its size was asked for
      const to = n === count - 1 ? undefined : `ctid < '(${(n + 1) * step},0)'::tid`;
      const condition = [from, to].filter((one) => one !== undefined).join(' AND ');
      chunks.push({
        ...{ number: chunks.length, oid: Number(oid), relation },
        condition: condition === '' ? undefined : condition,
      });
    }
  }
  // a partitioned table without partitions
  if (chunks.length === 0)
    chunks.push({ number: 0, oid: table.oid, relation: table.sql, condition: undefined });
  return chunks;
}

/** The file of each relation. TRUNCATE and rewriting ALTER TABLE give it another one, whatever snapshots are in use. */
export async function filesOf(client: pg.ClientBase, tables: string[]): Promise<Map<number, string>> {
  const { rows } = await client.query<{ oid: string; file: string | null }>(
    `SELECT c.oid::int8::text AS oid, pg_relation_filenode(c.oid)::text AS file FROM pg_class c
     WHERE c.oid = ANY(SELECT t::regclass::oid FROM unnest($1::text[]) t)
        OR c.oid IN (SELECT relid FROM unnest($1::text[]) t, pg_partition_tree(t::regclass) WHERE isleaf)`,
    [tables],
  );
  return new Map(rows.map(({ oid, file }) => [Number(oid), file ?? '']));
}

import type { FileStream, TypeName } from '../../schemas/source.js';
import { quoteIdent, quoteRelation, quoteText, type Warehouse } from './port.js';

interface Binding {
  warehouse: Warehouse;
  source: string;
  stream: string;
  /** local paths of the committed Parquet files */
  files: string[];
  declared: FileStream;
  signal?: AbortSignal;
}

/** Lineage columns that every row of bronze carries. */
const LINEAGE = {
  _source_file: 'VARCHAR',
  _source_position: 'BIGINT',
  _batch: 'VARCHAR',
  _extracted_at: 'TIMESTAMPTZ',
};

/**
 * Makes a stream readable in the warehouse as `<source>.<stream>`: a view over exactly the committed Parquet files,
 * so a batch that is half written, or never committed, is not there.
 */
export async function bindSource({
  warehouse,
  source,
  stream,
  files,
  declared,
  signal,
}: Binding): Promise<void> {
  const query =
    files.length > 0
      ? `select * from read_parquet([${files.map(quoteText).join(', ')}], union_by_name = true, hive_partitioning = false)`
      : emptyQuery(declared);
  await warehouse.run(
    `create schema if not exists ${quoteIdent(source)};
     create or replace view ${quoteRelation({ schema: source, name: stream })} as ${query}`,
    { signal },
  );
}

/** A stream that has brought nothing yet is an empty relation of its declared columns, not an error of every model. */
function emptyQuery({ columns = {} }: FileStream): string {
  const own = Object.entries(columns).map(([name, column]) => [
    name,
    duckType(typeof column === 'string' ? column : column.type),
  ]);
  const all = [...own, ...Object.entries(LINEAGE)];
  return `select ${all.map(([name = '', type = '']) => `null::${type} as ${quoteIdent(name)}`).join(', ')} where false`;
}

const TYPES: Record<string, string> = {
  text: 'VARCHAR',
  boolean: 'BOOLEAN',
  int32: 'INTEGER',
  int64: 'BIGINT',
  double: 'DOUBLE',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMPTZ',
};
const duckType = (type: TypeName): string => TYPES[type] ?? type;

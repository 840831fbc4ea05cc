import {
  BIGINT,
  BLOB,
  DATE,
  DECIMAL,
  DOUBLE,
  FLOAT,
  INTEGER,
  LIST,
  STRUCT,
  TIMESTAMP,
  VARCHAR,
  type DuckDBType,
} from '@duckdb/node-api';
import type { ColumnType } from '../../copybook/schema.js';
import { parseType, printType } from '../../lake/types.js';

const SCALARS = {
  int32: INTEGER,
  int64: BIGINT,
  float32: FLOAT,
  float64: DOUBLE,
  date: DATE,
  timestamp: TIMESTAMP,
  text: VARCHAR,
  bytes: BLOB,
};

/** @returns the type of a column in DuckDB */
export function duckDbType(type: ColumnType): DuckDBType {
  switch (type.kind) {
    case 'decimal':
      return DECIMAL(type.precision, type.scale);
    case 'list':
      return LIST(duckDbType(type.element));
    case 'struct':
      return STRUCT(Object.fromEntries(type.fields.map((field) => [field.name, duckDbType(field.type)])));
    default:
      return SCALARS[type.kind];
  }
}

/** @returns the type as schemas of bronze have it */
export const bronzeType = (type: ColumnType): string => printType(parseType(duckDbType(type).toString()));

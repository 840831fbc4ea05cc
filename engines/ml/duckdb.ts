import { createRequire } from 'node:module';
import type * as DuckDb from '@duckdb/node-api';

/**
 * DuckDB's package, loaded as the CommonJS that it is. An `import` would first parse its hundred files for the names
 * that they export: 0.14 s of CPU time in each thread, where a thread lives for a second.
 */
export const { DuckDBDataChunk, DuckDBFloatVector, DuckDBInstance, FLOAT, INTEGER } = createRequire(
  import.meta.url,
)('@duckdb/node-api') as typeof DuckDb;

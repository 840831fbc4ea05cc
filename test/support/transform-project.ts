import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openDuckDb } from '../../engines/warehouse/duckdb.js';
import type { Row } from '../../engines/warehouse/port.js';

/** A project that only transforms, with one pipeline called `all`. */
export interface TransformProject {
  readonly root: string;
  /** rows of the warehouse; no worker may hold it */
  readonly read: <T extends Row>(sql: string) => Promise<T[]>;
  remove(): void;
}

export interface Declared {
  name?: string;
  /** of the project's warehouse, where it is not a DuckDB file */
  warehouse?: Record<string, unknown>;
  concurrency?: number;
}

/** @param files of the dbt project, by path */
export function makeTransform(
  files: Record<string, string>,
  { name = 'transforming', warehouse, concurrency = 4 }: Declared = {},
): TransformProject {
  const root = mkdtempSync(join(tmpdir(), 'millrace-transform-'));
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  put(
    'millrace.mjs',
    `export default ${JSON.stringify({
      ...{ name, warehouse, transform: { concurrency } },
      pipelines: { all: { transform: true } },
    })};\n`,
  );
  for (const [path, text] of Object.entries({ 'dbt_project.yml': `name: ${name}\n`, ...files }))
    put(`dbt/${path}`, text);
  return {
    root,
    read: async <T extends Row>(sql: string) => {
      const path = join(root, '.millrace', 'warehouse.duckdb');
      const warehouse = await openDuckDb({ path, memoryLimit: '512MB' });
      try {
        return await warehouse.query<T>(sql);
      } finally {
        await warehouse.close();
      }
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Models in layers over one another, each of which reads two of the layer above; views and tables take turns. */
export function layers(count: number, width: number): Record<string, string> {
  const files: Record<string, string> = {};
  for (let layer = 0; layer < count; layer++)
    for (let at = 0; at < width; at++) {
      const above = (next: number): string => `{{ ref('m_${layer - 1}_${(at + next) % width}') }}`;
      const sql =
        layer === 0
          ? `select i as id, i * ${at + 1} as amount from range(20) t(i)`
          : `select a.id, a.amount + b.amount as amount from ${above(0)} a join ${above(1)} b using (id)`;
      const kind = (layer + at) % 2 === 0 ? 'view' : 'table';
      files[`models/m_${layer}_${at}.sql`] = `{{ config(materialized='${kind}') }}\n${sql}\n`;
    }
  return files;
}

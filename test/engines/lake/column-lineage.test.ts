import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lineageOption } from '../../../engines/lake/column-lineage.js';
import { withDuckDb } from '../../../engines/lake/duckdb.js';
import { quoteText } from '../../../engines/warehouse/port.js';

test('a Parquet file tells which field of which source each column was made from', async () => {
  const workDir = await mkdtemp(join(tmpdir(), 'millrace-lineage-'));
  try {
    const path = quoteText(join(workDir, 'part.parquet'));
    const columns = [
      { name: 'id', from: "Kunden'nr" },
      { name: 'extra', from: null },
    ];
    const option = lineageOption({ source: 'crm', stream: 'customers', columns });
    const rows = await withDuckDb({ workDir }, async ([session]) => {
      await session?.run(
        `copy (select 1 as id, null as extra) to ${path} (format parquet, compression zstd, ${option})`,
      );
      const reader = await session?.runAndReadAll(
        `select decode(key), decode(value) from parquet_kv_metadata(${path}) order by all`,
      );
      return reader?.getRowsJson();
    });
    expect(rows).toEqual([
      ['millrace.columns', `{"id":"Kunden'nr","extra":null}`],
      ['millrace.source', 'crm'],
      ['millrace.stream', 'customers'],
    ]);
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
});

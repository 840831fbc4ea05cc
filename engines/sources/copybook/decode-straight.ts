import { join } from 'node:path';
import { BIGINT, DuckDBTableFunction, type DuckDBConnection } from '@duckdb/node-api';
import { Column } from '../../copybook/columns/column.js';
import type { ColumnarDecoder } from '../../copybook/columns/columnar-decoder.js';
import type { RecordSource } from '../../copybook/columns/record-source.js';
import type { Reject } from '../rejects.js';
import { duckDbType } from './column-types.js';
import { copyStatement, type DecodedRange, type DecodeJob } from './decode-job.js';
import { fillChunk } from './fill-chunk.js';
import { rejectOf } from './reject-of.js';

/**
 * The fast way, for records that are found without looking into them: DuckDB's COPY asks for rows, and each time gets
 * a batch of them straight from the file's bytes.
 */
export async function decodeStraight(
  job: DecodeJob,
  session: DuckDBConnection,
  decoder: ColumnarDecoder,
  source: RecordSource,
): Promise<DecodedRange> {
  const { signal, post, folder } = job;
  const path = join(folder, 'rows-0.parquet');
  const numbers = new Column('_record', { kind: 'int64' }, decoder.rows);
  const columns = [...decoder.columns, numbers];
  let read = 0;
  let loaded = 0;
  let filtered = 0;
  let failure: unknown;

  /** @returns rows in the columns; 0 at the end */
  const next = (): number => {
    for (;;) {
      signal.throwIfAborted();
      const batch = source.next();
      if (!batch) return 0;
      const { rows, records, bad, filtered: left } = decoder.decode(batch);
      read += batch.count;
      filtered += left;
      const rejects: Reject[] = bad.map((one) => rejectOf(one, batch));
      if (batch.cutOff) {
        const { start, end, reason } = batch.cutOff;
        const [record, byte] = [batch.firstRecord + batch.count, batch.position + start];
        rejects.push({
          record,
          line: 0, // files of records have no lines
          byte,
          reason,
          raw: Buffer.from(batch.bytes.subarray(start, end)),
        });
        read++;
      }
      if (rejects.length > 0) post({ rejects });
      post({ records: read, bytes: batch.position + (batch.starts[batch.count - 1] ?? 0) - job.range.from });
      if (rows === 0) continue;
      numberRows(numbers, batch.firstRecord, records, rows);
      loaded += rows;
      return rows;
    }
  };

  const records = DuckDBTableFunction.create({
    name: 'copybook_records',
    bindFunction: (bind) => {
      for (const { name, type } of decoder.columns) bind.addResultColumn(name, duckDbType(type));
      bind.addResultColumn(numbers.name, BIGINT);
    },
    initFunction: (init) => init.setMaxThreads(1),
    mainFunction: (_info, chunk) => {
      try {
        fillChunk(chunk, columns, next());
      } catch (error) {
        failure = error;
        throw error;
      }
    },
  });
  session.registerTableFunction(records);
  try {
    await session.run(copyStatement(job, 'copybook_records()', path));
  } catch (error) {
    // DuckDB keeps only the text of what the function threw
    throw failure ?? error;
  }
  return { read, filtered, parts: [{ path, rows: loaded }] };
}

function numberRows(numbers: Column, first: number, records: Int32Array, rows: number): void {
  for (let row = 0; row < rows; row++) {
    const number = first + (records[row] as number);
    numbers.words[2 * row] = number | 0;
    numbers.words[2 * row + 1] = Math.floor(number / 2 ** 32);
  }
}

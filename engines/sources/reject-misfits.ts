import type { DuckDBConnection } from '@duckdb/node-api';
import type { CsvFormat } from '../../schemas/source.js';
import { quoteText } from '../warehouse/port.js';
import { stagedRelation } from './dialect.js';
import type { OpenedText } from './open-text.js';
import type { Rejects } from './rejects.js';
import type { LoadedSegment } from './load-segments.js';
import { castSelect, reasonOf, type TypedColumn } from './typed-columns.js';

interface Misfit {
  record: number;
  line: number;
  byte: number;
  length: number;
  reason: string;
}

/**
 * Adds the staged records that have a value which does not fit to the rejects, in file order, with the bytes that the
 * file has for them. They are read from the source again: the staged text may be re-encoded or re-quoted.
 * @param limit at most so many
 */
export async function rejectMisfits(
  session: DuckDBConnection,
  options: {
    typed: TypedColumn[];
    loaded: LoadedSegment[];
    format: CsvFormat;
    text: OpenedText;
    rejects: Rejects;
    limit?: number;
  },
): Promise<void> {
  const { typed, loaded, format, text, rejects, limit } = options;
  const staged = stagedRelation(
    loaded.map(({ segment }) => segment),
    format,
  );
  const rows = `read_parquet([${loaded.map(({ path }) => quoteText(path)).join(', ')}])`;
  // what was not loaded is a misfit, by definition; so the casts are repeated for those few only
  const misfits = `(SELECT staged.* FROM ${staged} staged ANTI JOIN ${rows} loaded ON staged.record::BIGINT = loaded._source_position)`;
  const { from } = castSelect(typed, misfits, format.nulls);
  const result = await session.stream(
    `SELECT record, line, byte, length, ${reasonOf(typed)} AS reason FROM ${from}
     ORDER BY record ${limit === undefined ? '' : `LIMIT ${limit}`}`,
  );
  const source = text.read();
  // `window` holds the text from `base` on; records come in file order, so it only moves forward
  let window: Buffer = Buffer.alloc(0);
  let base = text.encoding.bom;
  try {
    for await (const rows of result.yieldRows()) {
      for (const [record, line, byte, length, reason] of rows) {
        const misfit: Misfit = {
          ...{ record: Number(record), line: Number(line), byte: Number(byte), length: Number(length) },
          reason: String(reason),
        };
        const end = misfit.byte + misfit.length;
        while (base + window.length < end) {
          const { value, done } = await source.next();
          if (done) break;
          const keep = Math.min(window.length, Math.max(0, misfit.byte - base));
          base += keep;
          window = keep === window.length ? value : Buffer.concat([window.subarray(keep), value]);
        }
        const raw = Buffer.from(window.subarray(misfit.byte - base, end - base));
        rejects.add({ ...misfit, raw: text.encoding.toSource(raw) });
      }
      await rejects.flush();
    }
  } finally {
    await source.return();
  }
}

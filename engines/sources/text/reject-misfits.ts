import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteText } from '../../warehouse/port.js';
import { castSelect, reasonOf } from '../cast.js';
import type { Rejects } from '../rejects.js';
import type { Casting } from '../typed-columns.js';
import type { LoadedSegment } from './load-segments.js';
import type { RecordPlace, TextLayout } from './segment.js';
import { stagedRelation } from './staged-relation.js';

/** Gives the bytes that the file has for a record; records are asked for in file order. */
export interface RawBytes {
  of(place: RecordPlace): Promise<Buffer>;
  close(): Promise<void>;
}

/**
 * Adds the staged records that have a value which does not fit to the rejects, in file order, with the bytes that the
 * file has for them.
 * @param raw without it the record's fields are kept as a JSON array: of a binary format nothing else can be read
 * @param limit at most so many
 */
export async function rejectMisfits(
  session: DuckDBConnection,
  options: {
    casting: Casting;
    loaded: LoadedSegment[];
    layout: TextLayout;
    raw: RawBytes | undefined;
    file: string;
    rejects: Rejects;
    limit?: number | undefined;
  },
): Promise<void> {
  const { casting, loaded, layout, raw, file, rejects, limit } = options;
  const segments = loaded.map(({ segment }) => segment);
  const staged = stagedRelation(segments, layout);
  const rows = loaded.filter((one) => one.loaded > 0).map(({ path }) => quoteText(path));
  // what was not loaded is a misfit, by definition; so the casts are repeated for those few only
  const misfits =
    rows.length > 0
      ? `(SELECT staged.* FROM ${staged} staged ANTI JOIN read_parquet([${rows.join(', ')}]) loaded ON staged.record = loaded._source_position)`
      : staged;
  const { from } = castSelect(casting, misfits, layout.nulls);
  const width = segments[0]?.width ?? 0;
  const fields = raw
    ? "''"
    : `to_json([${casting.columns
        .filter(({ field }) => field !== null)
        .map(({ field }) => `r${field}`)
        .join(', ')}])`;
  const result = await session.stream(
    `SELECT record, line, byte, length, ${reasonOf(casting)} AS reason, ${width > 0 ? fields : "''"} FROM ${from}
     ORDER BY record ${limit === undefined ? '' : `LIMIT ${limit}`}`,
  );
  try {
    for await (const rows of result.yieldRows()) {
      for (const [record, line, byte, length, reason, json] of rows) {
        const place = {
          ...{ record: Number(record), line: Number(line), byte: Number(byte), length: Number(length) },
        };
        const bytes = raw ? await raw.of(place) : Buffer.from(String(json));
        rejects.add({ ...place, file, reason: String(reason), raw: bytes });
      }
      await rejects.flush();
    }
  } finally {
    await raw?.close();
  }
}

import { z } from 'zod';
import { BronzeSchema } from '../../../schemas/lake.js';
import { quoteText, type Session } from '../port.js';

/** Where keyed relations keep their rows, and what every stream's relations hold is written down. */
export const LANDING = 'millrace_landing';

/** What a stream's relations hold, written in the transaction that made them hold it. */
const LandingRecord = z.strictObject({
  /** changes when what readers see does */
  key: z.string(),
  /** relation → hash of its view */
  views: z.record(z.string(), z.string()),
  /** of a keyed relation */
  keyed: z
    .strictObject({
      /** hash of what says how rows are applied */
      rule: z.string(),
      /** steps that are in its tables, and a hash of which they were */
      steps: z.int(),
      digest: z.string(),
      /** the tables' columns */
      schema: BronzeSchema,
    })
    .nullable(),
});
export type LandingRecord = z.infer<typeof LandingRecord>;

export const createRecords = (session: Session): Promise<number> =>
  session.run(
    `create schema if not exists ${LANDING};
     create table if not exists ${LANDING}.streams (source varchar not null, stream varchar not null, record varchar not null)`,
  );

/** @param source of it only; without one of all */
export async function readRecords(
  session: Session,
  source?: string,
): Promise<{ source: string; stream: string; record: LandingRecord }[]> {
  const [found] = await session.query(
    `select 1 from duckdb_tables() where database_name = current_database() and schema_name = ${quoteText(LANDING)} and table_name = 'streams'`,
  );
  if (!found) return [];
  const rows = await session.query<{ source: string; stream: string; record: string }>(
    `select source, stream, record from ${LANDING}.streams ${source === undefined ? '' : `where source = ${quoteText(source)}`}`,
  );
  return rows.map((row) => ({ ...row, record: LandingRecord.parse(JSON.parse(row.record)) }));
}

export async function writeRecord(
  session: Session,
  source: string,
  stream: string,
  record: LandingRecord,
): Promise<void> {
  const here = `source = ${quoteText(source)} and stream = ${quoteText(stream)}`;
  await session.run(`delete from ${LANDING}.streams where ${here}`);
  await session.run(
    `insert into ${LANDING}.streams values (${quoteText(source)}, ${quoteText(stream)}, ${quoteText(JSON.stringify(record))})`,
  );
}

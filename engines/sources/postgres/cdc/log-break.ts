import type pg from 'pg';
import type { CursorValue } from '../../../../schemas/lake.js';
import { quoteIdent, quoteText } from '../../../warehouse/port.js';

/**
 * Where a lost slot was replaced: copies from before it are void, because changes after them are missing. It is kept in
 * the database, as the comment on the publication, because it is about this server: after a restore or a move, the
 * positions in its log may be lower than those that bronze has seen.
 */
export interface LogBreak {
  /** the server's position when the slot was replaced */
  lsn: string;
  /** how far bronze was then */
  at: string;
}

const TEXT = /^copies before ([0-9A-F/]+) are void; bronze was at (.+)$/;

export async function readBreak(client: pg.ClientBase, publication: string): Promise<LogBreak | undefined> {
  const { rows } = await client.query<{ text: string | null }>(
    `SELECT obj_description(oid, 'pg_publication') AS text FROM pg_publication WHERE pubname = $1`,
    [publication],
  );
  const [, lsn, at] = TEXT.exec(rows[0]?.text ?? '') ?? [];
  return lsn === undefined || at === undefined ? undefined : { lsn, at };
}

export async function writeBreak(
  client: pg.ClientBase,
  publication: string,
  at: CursorValue | undefined,
): Promise<void> {
  const { rows } = await client.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn');
  const text = `copies before ${rows[0]?.lsn ?? '0/0'} are void; bronze was at ${at ?? 'its beginning'}`;
  await client.query(`COMMENT ON PUBLICATION ${quoteIdent(publication)} IS ${quoteText(text)}`);
}

import type { Session } from '../../warehouse/port.js';

const SAYS =
  /^\s*(?:--[^\n]*\n\s*)*(begin|start|commit|rollback|end)\b(?:\s+(?:transaction|work))?\s*;?\s*$/i;

/**
 * Lets `work` say by itself when it begins and commits. A transaction is open from the start; after a commit statements
 * stand alone until the next `begin`. What is open at the end is committed, or taken back after an error.
 *
 * @param open whether a transaction is open before the first statement
 */
export async function ownTransactions<T>(
  connection: Session,
  work: (session: Session) => Promise<T>,
  open = true,
): Promise<T> {
  let state: 'open' | 'closed' | 'due' = open ? 'due' : 'closed';
  /** the first statement begins the transaction, so that a `commit` before it has nothing to end */
  const before = async (): Promise<void> => {
    if (state !== 'due') return;
    await connection.run('BEGIN TRANSACTION');
    state = 'open';
  };
  const told = async (sql: string): Promise<boolean> => {
    const word = SAYS.exec(sql)?.[1]?.toLowerCase();
    if (word === undefined) return false;
    if (word === 'begin' || word === 'start') {
      if (state === 'closed') state = 'due';
    } else {
      if (state === 'open') await connection.run(word === 'rollback' ? 'ROLLBACK' : 'COMMIT');
      state = 'closed';
    }
    return true;
  };
  const session: Session = {
    query: async (sql, statement) => {
      if (await told(sql)) return [];
      await before();
      return connection.query(sql, statement);
    },
    execute: async (sql, statement) => {
      if (await told(sql)) return { columns: [], rows: [], changed: 0 };
      await before();
      return connection.execute(sql, statement);
    },
    run: async (sql, statement) => {
      if (await told(sql)) return 0;
      await before();
      return connection.run(sql, statement);
    },
    describe: (relation, statement) => connection.describe(relation, statement),
    relations: (schema, statement) => connection.relations(schema, statement),
    replace: async (made, live, former) => {
      await before();
      return connection.replace(made, live, former);
    },
    drop: async (relation) => {
      await before();
      return connection.drop(relation);
    },
  };
  const isOpen = (): boolean => state === 'open';
  try {
    const result = await work(session);
    if (isOpen()) await connection.run('COMMIT');
    return result;
  } catch (cause) {
    // a failed COMMIT has ended the transaction already; the first error is the one to report
    if (isOpen()) await connection.run('ROLLBACK').catch(() => undefined);
    throw cause;
  }
}

import type { Row } from '../../warehouse/port.js';
import { JinjaFault } from '../jinja/fault.js';

/** A template asked something of the warehouse that is not known yet. */
export class NeedsQuery extends Error {
  constructor(readonly sql: string) {
    super('A query is needed first');
  }
}

/** Answers a template's questions, or stops it until the answer is there. */
export interface Queries {
  ask(sql: string): Row[];
}

interface Answer {
  sql: string;
  rows: Row[];
}

/**
 * Templates are rendered synchronously, the warehouse answers later: a question ends the attempt, the answer is kept,
 * and the template is rendered again from its start, now with that answer.
 *
 * @param attempt renders once; it runs again after each question, so it must begin afresh
 */
export async function renderWithQueries<T>(
  attempt: (queries: Queries) => T,
  run: (sql: string) => Promise<Row[]>,
): Promise<T> {
  const answers: Answer[] = [];
  for (;;) {
    let next = 0;
    const ask = (sql: string): Row[] => {
      const known = answers[next++];
      if (!known) throw new NeedsQuery(sql);
      if (known.sql !== sql)
        throw new JinjaFault(
          `The query '${brief(known.sql)}' was '${brief(sql)}' when the template was rendered again`,
          undefined,
          'Templates are rendered again after each query: leave out what differs each time',
        );
      return known.rows;
    };
    try {
      return attempt({ ask });
    } catch (cause) {
      if (!(cause instanceof NeedsQuery)) throw cause;
      answers.push({ sql: cause.sql, rows: await run(cause.sql) });
    }
  }
}

const brief = (sql: string): string => sql.replace(/\s+/g, ' ').trim().slice(0, 80);

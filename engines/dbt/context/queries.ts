import { isDeepStrictEqual } from 'node:util';
import type {
  Answer,
  ListedRelation,
  RelationInfo,
  RelationName,
  SchemaName,
  Session,
  Statement,
} from '../../warehouse/port.js';
import { JinjaFault } from '../jinja/fault.js';
import { Signal } from '../jinja/signal.js';

/** What a template can want of the warehouse, and what it gets for it. */
interface Wants {
  /** one statement whose rows count */
  query: { sql: string; gives: Answer };
  /** statements that are run for what they do */
  run: { sql: string; gives: Answer };
  describe: { relation: RelationName; gives: RelationInfo | null };
  relations: { schema: SchemaName; gives: ListedRelation[] };
}
type Want = { [K in keyof Wants]: { kind: K } & Omit<Wants[K], 'gives'> }[keyof Wants];

/** A template asked something of the warehouse that is not known yet. */
class NeedsAnswer extends Signal {
  constructor(readonly want: Want) {
    super('The warehouse must answer first');
  }
}

/** Answers a template's questions, or stops it until the answer is there. */
export interface Queries {
  query(sql: string): Answer;
  run(sql: string): Answer;
  /** @returns null when there is no such relation */
  describe(relation: RelationName): RelationInfo | null;
  relations(schema: SchemaName): ListedRelation[];
  /** passes on what a template says; once, however often it is rendered again */
  log(entry: LogEntry): void;
}

/** What a template tells by `log`, `print` or `exceptions.warn`. */
export interface LogEntry {
  level: 'debug' | 'info' | 'warn' | 'print';
  text: string;
}

export interface Asking extends Statement {
  log?: ((entry: LogEntry) => void) | undefined;
}

/**
 * Templates are rendered synchronously, the warehouse answers later: a question ends the attempt, the answer is kept,
 * and the template is rendered again from its start, now with that answer. So each statement is run once, in order.
 *
 * @param attempt renders once; it runs again after each question, so it must begin afresh
 */
export async function renderWithQueries<T>(
  attempt: (queries: Queries) => T,
  session: Session,
  { log, ...statement }: Asking = {},
): Promise<T> {
  const known: { want: Want; answer: unknown }[] = [];
  let told = 0;
  for (;;) {
    let next = 0;
    let said = 0;
    const ask = <K extends keyof Wants>(want: Want & { kind: K }): Wants[K]['gives'] => {
      const former = known[next++];
      if (!former) throw new NeedsAnswer(want);
      if (!isDeepStrictEqual(former.want, want))
        throw new JinjaFault(
          `The query '${brief(former.want)}' was '${brief(want)}' when the template was rendered again`,
          undefined,
          'Templates are rendered again after each query: leave out what differs each time',
        );
      return former.answer as Wants[K]['gives'];
    };
    try {
      return attempt({
        query: (sql) => ask({ kind: 'query', sql }),
        run: (sql) => ask({ kind: 'run', sql }),
        describe: (relation) => ask({ kind: 'describe', relation }),
        relations: (schema) => ask({ kind: 'relations', schema }),
        log: (entry) => {
          if (++said <= told) return;
          told = said;
          log?.(entry);
        },
      });
    } catch (cause) {
      if (!(cause instanceof NeedsAnswer)) throw cause;
      known.push({ want: cause.want, answer: await answer(cause.want, session, statement) });
    }
  }
}

function answer(want: Want, session: Session, statement: Statement): Promise<unknown> {
  switch (want.kind) {
    case 'query':
    case 'run':
      return session.execute(want.sql, statement);
    case 'describe':
      return session.describe(want.relation, statement);
    case 'relations':
      return session.relations(want.schema, statement);
  }
}

const brief = (want: Want): string =>
  ('sql' in want ? want.sql : want.kind).replace(/\s+/g, ' ').trim().slice(0, 80);

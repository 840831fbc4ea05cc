import { MillraceError } from '../../schemas/errors.js';
import {
  quoteIdent,
  quoteRelation,
  quoteStored,
  quoteText,
  stored,
  type Answer,
  type ListedRelation,
  type RelationInfo,
  type RelationName,
  type RelationType,
  type Row,
  type SchemaName,
  type Session,
  type Statement,
} from './port.js';
import { severalStatements } from './several-statements.js';
import type { SnowflakeConnection } from './snowflake-connection.js';
import { relationTypeOf, sameName } from './snowflake-names.js';
import { splitStatements } from './split-statements.js';

/** A listing gives this many at most; the next one begins after the last name. */
const PAGE = 10_000;

/** What a statement is to a transaction: DDL commits by itself, so a transaction is around statements that change rows. */
const CHANGES_ROWS = /^(insert|update|delete|merge|copy)\b/i;
const READS = /^(select|with|show|desc|describe|explain|list|ls|values|\(|set|unset|call|put|get)\b/i;
const BEGINS = /^(begin|start\s+transaction)\b/i;
const ENDS = /^(commit|rollback)\b/i;

/** Statements over one session of Snowflake; with `atomic`, those that change rows are a transaction until {@link end}. */
export class SnowflakeSession implements Session {
  private open = false;

  constructor(
    private readonly connection: SnowflakeConnection,
    private readonly database: string,
    private readonly outer: Statement,
    private readonly atomic = false,
  ) {}

  async query<T extends Row = Row>(sql: string, statement: Statement = {}): Promise<T[]> {
    if (splitStatements(sql, 'snowflake').length > 1) throw severalStatements();
    const { rows } = await this.execute(sql, statement);
    return rows.map((row) => folded(row) as T);
  }

  async run(sql: string, statement: Statement = {}): Promise<number> {
    return (await this.execute(sql, statement)).changed;
  }

  async execute(sql: string, statement: Statement = {}): Promise<Answer> {
    let answer: Answer = { columns: [], rows: [], changed: 0 };
    for (const each of splitStatements(sql, 'snowflake')) answer = await this.one(each, statement);
    return answer;
  }

  async describe(relation: RelationName, statement?: Statement): Promise<RelationInfo | null> {
    // wildcards in the name only find more: names are compared below
    const like = quoteText(relation.name.replaceAll('\\', '\\\\'));
    const found = await this.list(relation, { like: ` like ${like}` }, statement);
    const same = found.filter(({ name }) => sameName(name, relation.name));
    const listed = same.find(({ name }) => name === stored('snowflake', relation.name)) ?? same[0];
    if (!listed) return null;
    const rows = await this.query<{ name: string; type: string }>(
      `describe table ${quoteRelation(listed)}`,
      statement,
    );
    return { type: listed.type, columns: rows.map(({ name, type }) => ({ name, type })) };
  }

  async relations(schema: SchemaName, statement?: Statement): Promise<ListedRelation[]> {
    const all: ListedRelation[] = [];
    for (;;) {
      const after = all.length > 0 ? ` from ${quoteText(all.at(-1)?.name ?? '')}` : '';
      const page = await this.list(schema, { page: ` limit ${PAGE}${after}` }, statement);
      all.push(...page);
      if (page.length < PAGE) return all;
    }
  }

  /** Two tables are swapped at once; whatever else there is goes a moment before its successor comes. */
  async replace(made: ListedRelation, live: RelationName, former: RelationType | null): Promise<void> {
    const target = { database: made.database, schema: live.schema, name: live.name };
    if (former === 'table' && made.type === 'table') {
      await this.run(`alter table ${printed(target)} swap with ${printed(made)}`);
      await this.run(`drop table ${printed(made)}`);
      return;
    }
    if (former !== null) await this.run(`drop ${keyword(former)} ${printed(target)}`);
    await this.run(`alter ${keyword(made.type)} ${printed(made)} rename to ${printed(target)}`);
  }

  async drop(relation: ListedRelation): Promise<void> {
    await this.run(`drop ${keyword(relation.type)} ${quoteRelation(relation)}`);
  }

  /** Ends what `atomic` has begun. */
  async end(how: 'commit' | 'rollback'): Promise<void> {
    if (!this.open) return;
    this.open = false;
    await this.connection.send(how, {});
  }

  private async one(sql: string, { signal = this.outer.signal, ...own }: Statement): Promise<Answer> {
    const { tag = this.outer.tag, onPoll = this.outer.onPoll } = own;
    const bare = sql.replace(/^(\s|--[^\n]*\n|\/\/[^\n]*\n|\/\*[^]*?\*\/)+/, '');
    if (BEGINS.test(bare)) this.open = true;
    else if (ENDS.test(bare)) this.open = false;
    else if (this.atomic && CHANGES_ROWS.test(bare) && !this.open) {
      await this.connection.send('begin transaction', { signal });
      this.open = true;
    } else if (this.open && !CHANGES_ROWS.test(bare) && !READS.test(bare)) {
      // Snowflake would do the same, without a word
      await this.end('commit');
    }
    // a detached statement is not part of its session's transaction
    return this.connection.send(sql, { signal, tag, ...(!this.open && { onPoll }) });
  }

  private async list(
    { database = this.database, schema }: SchemaName,
    { like = '', page = '' }: { like?: string; page?: string },
    statement?: Statement,
  ): Promise<ListedRelation[]> {
    const within = [database, schema].map((part) => quoteIdent(stored('snowflake', part))).join('.');
    try {
      const rows = await this.query(`show objects${like} in schema ${within}${page}`, statement);
      return rows.map((row) => ({
        ...{
          database: String(row['database_name']),
          schema: String(row['schema_name']),
          name: String(row['name']),
        },
        type: relationTypeOf(row),
      }));
    } catch (cause) {
      if (cause instanceof MillraceError && /does not exist/i.test(cause.what)) return [];
      throw cause;
    }
  }
}

const printed = (relation: RelationName): string => quoteStored('snowflake', relation);

const keyword = (type: RelationType): string =>
  ({ table: 'table', view: 'view', materialized_view: 'dynamic table', external: 'external table' })[type];

/** Names that nobody quoted, as they were written: Snowflake gives them in upper case. */
const folded = (row: Row): Row =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name === name.toUpperCase() ? name.toLowerCase() : name,
      value,
    ]),
  );

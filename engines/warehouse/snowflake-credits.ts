import { quoteText, type Row, type Session, type Statement } from './port.js';

export interface NodeCredits {
  /** dbt's unique_id, null for statements that belong to no node */
  node: string | null;
  run: string | null;
  queries: number;
  /** compute credits that Snowflake attributes to the statements; idle time of the virtual warehouse is not among them */
  credits: number;
}

/**
 * What the statements of a project have cost, by run and node, from the account's own view (QUERY_ATTRIBUTION_HISTORY,
 * which is up to eight hours behind and needs the privilege IMPORTED PRIVILEGES on the database SNOWFLAKE).
 *
 * @param since ISO 8601
 * @throws MillraceError SqlError or AccessDenied where the role may not read the view
 */
export async function creditsByNode(
  session: Session,
  { project, since }: { project: string; since: string },
  statement?: Statement,
): Promise<NodeCredits[]> {
  const rows = await session.query<Row & Omit<NodeCredits, 'credits'> & { credits: number | string | null }>(
    `with tagged as (
       select try_parse_json(query_tag) as tag, credits_attributed_compute as credits
       from snowflake.account_usage.query_attribution_history
       where start_time >= ${quoteText(since)}::timestamp_tz
     )
     select tag:node::varchar as node, tag:run::varchar as run, count(*) as queries, sum(credits)::float as credits
     from tagged
     where tag:project::varchar = ${quoteText(project)}
     group by 1, 2
     order by credits desc`,
    statement,
  );
  return rows.map(({ node, run, queries, credits }) => ({
    node,
    run,
    queries,
    credits: Number(credits ?? 0),
  }));
}

import { MillraceError } from '../../../schemas/errors.js';
import type { Batch } from '../../../schemas/lake.js';
import { quoteIdent, quoteText, type Session } from '../port.js';
import { fillUnchanged } from './fill-unchanged.js';
import { isContent, ORDER, sameKey, type KeyedSpec } from './keyed-spec.js';
import { rowsQuery, withLineage, type LocalFile } from './rows.js';
import type { Step } from './steps.js';

/** What a keyed relation is made of. */
export interface KeyedTables {
  /** the row each key has now */
  state: string;
  /** rows that a later one or a deletion has ended; absent where nobody asks for the past */
  past?: string | undefined;
}

const STEP = 'temp.main._millrace_step';
const VERSIONS = 'temp.main._millrace_versions';

/** Columns that the tables have beside the stream's. */
export const STATE_COLUMNS = '_valid_from TIMESTAMPTZ, _valid_from_lsn BIGINT';
export const PAST_COLUMNS = `${STATE_COLUMNS}, _valid_to TIMESTAMPTZ, _valid_to_lsn BIGINT`;

/**
 * Brings tables that hold all earlier steps up to and including this one. The session is that of a transaction.
 *
 * @param name of the stream, for errors
 */
export async function applyStep(
  session: Session,
  tables: KeyedTables,
  spec: KeyedSpec,
  step: Step,
  localFile: LocalFile,
  name: string,
): Promise<void> {
  await session.run(
    `create or replace temp table _millrace_step as ${await stepQuery(spec, step, localFile)}`,
  );
  if (spec.strict) await assertKeyed(session, spec.keys, name);
  if (spec.changes) await fillUnchanged(session, STEP, tables.state, spec);
  if (step.kind === 'snapshot' && (await isEmptyOrForgets(session, tables))) {
    await session.run(
      `delete from ${tables.state};
       insert into ${tables.state} by name select ${valid(spec)} from ${STEP} where _mr_op = 'u'`,
    );
  } else {
    if (step.kind === 'snapshot') await addVanished(session, tables, spec, step);
    if (spec.changes || spec.journal) await applyBetweenTruncates(session, tables, spec, step.kind);
    else await applyRows(session, tables, spec, step.kind, 'true');
  }
  await session.run(`drop table ${STEP}`);
}

/** Then a snapshot is simply all there is: there is no former row, or nobody asks for it. */
async function isEmptyOrForgets(session: Session, { state, past }: KeyedTables): Promise<boolean> {
  return !past || (await session.query(`select 1 from ${state} limit 1`)).length === 0;
}

async function assertKeyed(session: Session, keys: string[], name: string): Promise<void> {
  const missing = keys.map((key) => `${quoteIdent(key)} is null`);
  const [found] = await session.query<{ rows: string; file: string; at: string }>(
    `select (count(*) over ())::varchar as rows, _source_file as file, _source_position::varchar as at
     from ${STEP} where _mr_op = 'u' and (${missing.join(' or ')}) order by _mr_batch, _source_position limit 1`,
  );
  if (!found) return;
  const rows = found.rows === '1' ? '1 row of' : `${found.rows} rows of`;
  throw new MillraceError('SchemaMismatch', {
    what: `${rows} ${name} ${found.rows === '1' ? 'has' : 'have'} no ${keys.join(', ')}, which is the key that tells rows apart`,
    where: { file: found.file, row: Number(found.at) },
    fix: `Name key columns that every row has, or leave such rows out of the relation with deleteWhen: '${missing.join(' or ')}'`,
  });
}

/** The place of each of a step's batches and the time from which its rows hold: a replay has those of its origin. */
export function placesOf(batches: readonly Batch[], dated: boolean): { place: number; at: string }[] {
  const known = new Map<string, { place: number; at: string }>();
  return batches.map((batch, index) => {
    const own = { place: index, at: dated ? batch.interval.end : batch.extractedAt };
    const found = known.get(batch.replays ?? '') ?? own;
    known.set(batch.key, found);
    return found;
  });
}

/** The step's rows with what they mean (`u` or `d`, `t`), from when they are valid, and their order. */
async function stepQuery(spec: KeyedSpec, step: Step, localFile: LocalFile): Promise<string> {
  const places = placesOf(step.batches, spec.dated).map(
    ({ place, at }, index) => `(${index}::bigint, ${place}::bigint, ${quoteText(at)}::timestamptz)`,
  );
  const rows = `select r.* replace (_mr_place as _mr_batch), _mr_batch as _mr_read, _mr_time
    from (${await rowsQuery(step.batches, spec.schema, localFile, true)}) r
    join (values ${places.join(', ')}) _mr_places (_mr_index, _mr_place, _mr_time) on _mr_batch = _mr_index`;
  const journal = `case when _op = 't' then 't' when ${spec.deleted} then 'd' else 'u' end as _mr_op, _changed_at as _mr_at,
       _sequence as _mr_lsn, _source_position as _mr_major, 0::bigint as _mr_minor`;
  const files = `case when ${spec.deleted} then 'd' else 'u' end as _mr_op, _mr_time as _mr_at, null::bigint as _mr_lsn,
       _source_position as _mr_major, _mr_read as _mr_minor`;
  const meaning = spec.changes
    ? `case when _op in ('d', 't') then _op else 'u' end as _mr_op, _commit_at as _mr_at, _lsn as _mr_lsn,
       coalesce(_lsn, 0) as _mr_major, coalesce(_seq, 0) as _mr_minor`
    : spec.journal
      ? journal
      : files;
  const query = `select * exclude (_mr_read, _mr_time), ${meaning} from (${rows})`;
  if (step.kind === 'rows') return query;
  return `${query} qualify row_number() over (partition by ${spec.keys.map(quoteIdent).join(', ')} order by ${descending(ORDER)}) = 1`;
}

/** Keys that a snapshot lacks have ended with it. */
async function addVanished(
  session: Session,
  { state }: KeyedTables,
  spec: KeyedSpec,
  { batches }: Step,
): Promise<void> {
  const read =
    placesOf(batches, spec.dated)
      .map(({ at }) => at)
      .sort()
      .at(-1) ?? '';
  await session.run(
    `insert into ${STEP} by name
     select ${spec.keys.map((key) => `s.${quoteIdent(key)}`).join(', ')}, 'd' as _mr_op,
       ${ORDER.map((column) => `0::bigint as ${column}`).join(', ')},
       (select coalesce(max(_mr_at), ${quoteText(read)}::timestamptz) from ${STEP}) as _mr_at,
       (select max(_mr_lsn) from ${STEP}) as _mr_lsn
     from ${state} s anti join ${STEP} n on ${sameKey(spec.keys, 's', 'n')}`,
  );
}

/** A truncation ends every key there is, so what comes before it is applied before it. */
async function applyBetweenTruncates(
  session: Session,
  tables: KeyedTables,
  spec: KeyedSpec,
  kind: Step['kind'],
): Promise<void> {
  const truncates = await session.query<Record<string, string>>(
    `select ${[...ORDER, '_mr_at', '_mr_lsn'].map((column) => `${column}::varchar as ${column}`).join(', ')}
     from ${STEP} where _mr_op = 't' order by ${ORDER.map((column) => `${STEP}.${column}`).join(', ')}`,
  );
  let after = 'true';
  for (const truncate of truncates) {
    const here = ORDER.map((column) => truncate[column] ?? '0');
    await applyRows(session, tables, spec, kind, `_mr_op <> 't' and ${after} and ${compare('<', here)}`);
    const { _mr_at: at = '', _mr_lsn: lsn = '' } = truncate;
    if (tables.past)
      await session.run(
        `insert into ${tables.past} by name
         select *, ${quoteText(at)}::timestamptz as _valid_to, ${quoteText(lsn)}::bigint as _valid_to_lsn
         from ${tables.state}`,
      );
    await session.run(`delete from ${tables.state}`);
    after = compare('>', here);
  }
  await applyRows(session, tables, spec, kind, `_mr_op <> 't' and ${after}`);
}

/** Whether a row's place in the order is before or after another one. */
const compare = (operator: '<' | '>', place: string[]): string =>
  ORDER.map((_, index) => {
    const equal = ORDER.slice(0, index).map((column, at) => `${column} = ${place[at]}`);
    return `(${[...equal, `${ORDER[index]} ${operator} ${place[index]}`].join(' and ')})`;
  })
    .join(' or ')
    .replace(/^.*$/s, '($&)');

/** Applies those rows of the step that `where` names: the last of each key stays, what it replaces goes to the past. */
async function applyRows(
  session: Session,
  { state, past }: KeyedTables,
  spec: KeyedSpec,
  kind: Step['kind'],
  where: string,
): Promise<void> {
  const keys = spec.keys.map(quoteIdent).join(', ');
  const rows = `(select * from ${STEP} where ${where})`;
  const latest = `row_number() over (partition by ${keys} order by ${descending(ORDER)}) = 1`;
  if (past) {
    const collapse = spec.collapse || kind === 'snapshot';
    await session.run(
      `create or replace temp table _millrace_versions as ${versionsQuery(state, rows, spec, collapse)}`,
    );
    await session.run(
      `insert into ${past} by name select ${valid(spec)}, _mr_to as _valid_to, _mr_to_lsn as _valid_to_lsn
       from ${VERSIONS} where _mr_op = 'u' and _mr_ended`,
    );
  }
  await session.run(
    `delete from ${state} s using (select distinct ${keys} from ${rows}) n where ${sameKey(spec.keys, 's', 'n')}`,
  );
  await session.run(
    past
      ? `insert into ${state} by name select ${valid(spec)} from ${VERSIONS} where _mr_op = 'u' and _mr_ended is null`
      : `insert into ${state} by name select ${valid(spec)} from ${rows} qualify ${latest} and _mr_op = 'u'`,
  );
  if (past) await session.run(`drop table ${VERSIONS}`);
}

/** Each key's row of now and those of the step in their order, each with the moment at which the next one ended it. */
function versionsQuery(state: string, rows: string, spec: KeyedSpec, collapse: boolean): string {
  const columns = withLineage(spec.schema).map(({ name }) => quoteIdent(name));
  const own = spec.schema.filter(({ name }) => isContent(spec, name));
  const content = `row(${own.map(({ name }) => quoteIdent(name)).join(', ')})`;
  const ordered = `(partition by ${spec.keys.map(quoteIdent).join(', ')} order by ${ORDER.join(', ')})`;
  const repeated = `_mr_op = 'u' and lag(_mr_op) over w = 'u' and ${content} is not distinct from lag(${content}) over w`;
  return `with rows as (
      select ${columns.join(', ')}, _mr_op, ${ORDER.join(', ')}, _mr_at, _mr_lsn from ${rows}
      union all
      select ${columns.map((column) => `s.${column}`).join(', ')}, 'u', -1, 0, 0, s._valid_from, s._valid_from_lsn
      from ${state} s semi join ${rows} n on ${sameKey(spec.keys, 's', 'n')}
    ), versions as (
      select * from rows ${collapse ? `window w as ${ordered} qualify (${repeated}) is not true` : ''}
    )
    select *, lead(_mr_at) over w as _mr_to, lead(_mr_lsn) over w as _mr_to_lsn, lead(true) over w as _mr_ended
    from versions window w as ${ordered}`;
}

const valid = ({ schema }: KeyedSpec): string =>
  [
    ...withLineage(schema).map(({ name }) => quoteIdent(name)),
    '_mr_at as _valid_from',
    '_mr_lsn as _valid_from_lsn',
  ].join(', ');

const descending = (columns: readonly string[]): string =>
  columns.map((column) => `${column} desc`).join(', ');

import type { BronzeSchema } from '../../../schemas/lake.js';
import { quoteIdent, quoteText, type Session } from '../port.js';
import { ORDER, sameKey, type KeyedSpec } from './keyed-spec.js';

/**
 * A change leaves out large values that it did not touch, and names them in `_unchanged`: they get the value of the row
 * before. That is the key's former row in the step or in the state; after a change of the key, the row that the
 * deletion just before has ended, under its former key.
 */
export async function fillUnchanged(
  session: Session,
  step: string,
  state: string,
  { schema, keys }: KeyedSpec,
): Promise<void> {
  const names = new Map(schema.map(({ name }) => [name.toLowerCase(), name]));
  if (!names.has('_unchanged')) return;
  const named = await session.query<{ name: string }>(
    `select distinct unnest(_unchanged) as name from ${step} where len(_unchanged) > 0`,
  );
  const missing = named.flatMap(({ name }) => names.get(name.toLowerCase()) ?? []).sort();
  if (missing.length === 0) return;

  // only a row that is new under its key can continue one of another key
  const [moved] = await session.query(
    `select 1 from ${step} where len(_unchanged) > 0 and _op = 'i' limit 1`,
  );
  const part = moved ? 'coalesce(r.root, l._mr_life)' : 'l._mr_key';
  const before = `(partition by ${part} order by ${ORDER.map((column) => `l.${column}`).join(', ')}
    rows between unbounded preceding and 1 preceding)`;
  const filled = missing.map((name) => {
    const [column, left] = [`l.${quoteIdent(name)}`, `list_contains(l._mr_unchanged, ${quoteText(name)})`];
    const given = `case when l._mr_op = 'u' and not ${left} then {v: ${column}} end`;
    return `case when ${left} then (last_value(${given} ignore nulls) over ${before}).v else ${column} end as ${quoteIdent(name)}`;
  });
  const others = ['_mr_unchanged', '_mr_key', '_mr_new', ...(moved ? ['_mr_begins', '_mr_life'] : [])];
  await session.run(
    `create or replace temp table _millrace_step as
     with recursive rows as (${rowsOf(step, state, schema, keys)}) ${moved ? LIVES : ''}
     select l.* exclude (${[...missing.map(quoteIdent), ...others].join(', ')}), ${filled.join(', ')}
     from ${moved ? 'lives l left join firsts r on l._mr_life = r.life' : 'rows l'}
     qualify l._mr_new`,
  );
}

/** The step's rows, and before them those that their keys have now. */
const rowsOf = (step: string, state: string, schema: BronzeSchema, keys: string[]): string =>
  `select *, coalesce(_unchanged, []) as _mr_unchanged, row(${keys.map(quoteIdent).join(', ')}) as _mr_key,
     true as _mr_new
   from ${step}
   union all by name
   select ${schema.map(({ name }) => `s.${quoteIdent(name)}`).join(', ')}, 'u' as _mr_op, -1::bigint as _mr_batch,
     0::bigint as _mr_major, 0::bigint as _mr_minor, []::varchar[] as _mr_unchanged,
     row(${keys.map((name) => `s.${quoteIdent(name)}`).join(', ')}) as _mr_key, false as _mr_new
   from ${state} s semi join ${step} n on ${sameKey(keys, 's', 'n')}`;

const BY_KEY = `(partition by _mr_key order by ${ORDER.join(', ')})`;

/** A key lives from a first row to its deletion; a row with a new key goes on from the life that ended just before it. */
const LIVES = `, marked as (
    select *, (lag(_mr_op) over ${BY_KEY} is distinct from 'u' or (_mr_new and _op = 'i'))::int as _mr_begins
    from rows
  ), lives as (
    select *, {key: _mr_key, n: sum(_mr_begins) over ${BY_KEY}} as _mr_life from marked
  ), moves as (
    select born._mr_life as life, ended._mr_life as root from lives born join lives ended
      on born._mr_batch = ended._mr_batch and born._mr_major = ended._mr_major
      and born._mr_minor = ended._mr_minor + 1 and ended._mr_op = 'd' and born._mr_new and born._op = 'i'
      and len(born._mr_unchanged) > 0 and born._mr_key is distinct from ended._mr_key
  ), roots as (
    select life, root from moves
    union all
    select r.life, m.root from roots r join moves m on r.root = m.life
  ), firsts as (
    select life, root from roots where root not in (select life from moves)
  )`;

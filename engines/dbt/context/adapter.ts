import { quoteIdent } from '../../warehouse/port.js';
import { didYouMean } from '../../nearest.js';
import { Arguments } from '../jinja/arguments.js';
import type { Site } from '../jinja/ast.js';
import { JinjaFault } from '../jinja/fault.js';
import { item } from '../jinja/operators.js';
import {
  iterate,
  PyObject,
  str,
  truthy,
  Undefined,
  type Dict,
  type JinjaFunction,
  type Kwargs,
  type Value,
} from '../jinja/values.js';
import type { AdapterHost } from './adapter-host.js';
import { ASKING, relationIn, STRATEGIES } from './adapter-questions.js';
import { columnsDdl, constraintsDdl } from './constraints.js';
import type { Relation } from './relation.js';

/** what relations are called is kept nowhere, so there is nothing to keep up to date */
const nothing: JinjaFunction = () => '';

const quoteAs = (given: Arguments, { quoting }: AdapterHost): string => {
  const identifier = given.text(0, 'identifier');
  const key = given.text(1, 'quote_key', 'identifier');
  if (!['database', 'schema', 'identifier'].includes(key)) return identifier;
  return quoting[key] === false ? identifier : quoteIdent(identifier);
};

function grantsOf(given: Arguments): Dict {
  const grants = new Map<Value, Value>();
  for (const row of iterate(given.value(0, 'grants_table'))) {
    const privilege = item(row, 'privilege_type');
    const grantees = grants.get(privilege);
    if (Array.isArray(grantees)) grantees.push(item(row, 'grantee'));
    else grants.set(privilege, [item(row, 'grantee')]);
  }
  return grants;
}

/** rows that one relation has and the other has not: `(row_count_difference, num_mismatched)` */
function differing(given: Arguments): string {
  const [a, b] = [relationIn(given, 0, 'relation_a'), relationIn(given, 1, 'relation_b')];
  const names = given.value(2, 'column_names', null);
  const columns = names === null ? '*' : [...iterate(names)].map(str).sort().map(quoteIdent).join(', ');
  const except = given.text(3, 'except_operator', 'EXCEPT');
  const only = (left: Relation, right: Relation): string =>
    `(select ${columns} from ${left.render()} ${except} select ${columns} from ${right.render()})`;
  return `
with diff_count as (
  select 1 as id, count(*) as num_missing from (${only(a, b)} union all ${only(b, a)}) as a
), table_a as (
  select count(*) as num_rows from ${a.render()}
), table_b as (
  select count(*) as num_rows from ${b.render()}
)
select table_a.num_rows - table_b.num_rows as row_count_difference, diff_count.num_missing as num_mismatched
from diff_count, table_a, table_b`;
}

function hardDeletes(given: Arguments): string {
  const config = given.value(0, 'config');
  const read = (name: string): Value => {
    const value = item(config, name);
    return value instanceof Undefined ? null : value;
  };
  const [invalidate, mode] = [read('invalidate_hard_deletes'), read('hard_deletes')];
  if (invalidate !== null && mode !== null)
    throw new JinjaFault('invalidate_hard_deletes and hard_deletes cannot both be set on one snapshot');
  if ((invalidate !== null && truthy(invalidate)) || mode === 'invalidate') return 'invalidate';
  if (mode === 'new_record') return 'new_record';
  if (mode === null || mode === 'ignore') return 'ignore';
  throw new JinjaFault(
    `'${str(mode)}' is no hard_deletes`,
    undefined,
    'Use ignore, invalidate or new_record',
  );
}

/** What needs no warehouse. */
const PLAIN: Record<string, (given: Arguments, host: AdapterHost) => Value> = {
  type: (_given, { type }) => type,
  quote: (given) => quoteIdent(given.text(0, 'identifier')),
  quote_as_configured: quoteAs,
  quote_seed_column: (given) =>
    given.value(1, 'quote_config', null) === false
      ? given.text(0, 'column')
      : quoteIdent(given.text(0, 'column')),
  valid_incremental_strategies: (_given, { type }) => [...(STRATEGIES[type] ?? ['append'])],
  render_raw_columns_constraints: (given, { type }) =>
    columnsDdl(given.value(0, 'raw_columns') as Dict, type),
  render_raw_model_constraints: (given, { type }) => constraintsDdl(given.value(0, 'raw_constraints'), type),
  get_hard_deletes_behavior: hardDeletes,
  get_rows_different_sql: differing,
  standardize_grants_dict: grantsOf,
  convert_datetimes_to_strs: (given) => given.value(0, 'table'),
  escape_sql_string: (given) => given.text(0, 'value').replaceAll("'", "''"),
  verify_database: (given, { database, type }) => {
    const name = given.text(0, 'database').replaceAll('"', '');
    if (type === 'postgres' && name.toLowerCase() !== database.toLowerCase())
      throw new JinjaFault(`Cross-db references are not allowed in postgres (${name} and ${database})`);
    return '';
  },
  // of dbt-duckdb
  external_root: () => '.',
  is_motherduck: () => false,
  is_ducklake: () => false,
  use_ducklake_table_workarounds: () => false,
  disable_transactions: () => false,
  get_binding_char: () => '?',
  catalog_supports_foreign_keys: () => true,
  get_seed_file_path: (given) => str(item(given.value(0, 'model'), 'original_file_path')),
  batch_id_for_model: (given) => {
    const batch = item(given.value(0, 'model'), 'batch');
    return batch instanceof Undefined || batch === null ? '' : item(batch, 'id');
  },
  // of dbt-postgres and dbt-snowflake
  nice_connection_name: () => 'millrace',
  date_function: (_given, { type }) => (type === 'snowflake' ? 'CURRENT_TIMESTAMP()' : 'now()'),
};
/** caches, which are kept nowhere; and checks that Millrace makes itself, before a snapshot begins */
const NOTHING: ReadonlySet<string> = new Set([
  'cache_added',
  'cache_dropped',
  'cache_renamed',
  'cache_dropped_relation',
  'ensure_transaction',
  'valid_snapshot_target',
  'assert_valid_snapshot_target_given_strategy',
  'warn_once',
]);

/** `adapter` in a template. Its methods are made as they are asked for. */
export class Adapter extends PyObject {
  readonly typeName = 'DatabaseWrapper';

  constructor(private readonly host: AdapterHost) {
    super();
  }

  override attribute(name: string): Value {
    const { host } = this;
    if (name === 'dispatch') return (args, kwargs, site) => this.dispatch(args, kwargs, site);
    if (name === 'behavior') return host.behavior;
    if (NOTHING.has(name)) return nothing;
    const plain = Object.hasOwn(PLAIN, name) ? PLAIN[name] : undefined;
    if (plain) return (args, kwargs) => plain(new Arguments(`adapter.${name}()`, args, kwargs), host);
    const asking = Object.hasOwn(ASKING, name) ? ASKING[name] : undefined;
    if (asking)
      return (args, kwargs) =>
        host.queries
          ? asking.run(new Arguments(`adapter.${name}()`, args, kwargs), host, host.queries)
          : asking.meanwhile();
    // the name is kept: who calls it learns that it is missing
    return new Undefined(`adapter.${name}`, host.queries === null);
  }

  private dispatch(args: Value[], kwargs: Kwargs, site: Site): Value {
    const { host } = this;
    const given = new Arguments('adapter.dispatch()', args, kwargs);
    const name = given.text(0, 'macro_name');
    const namespace = given.optionalText(1, 'macro_namespace');
    const [before, after] = name.split('.');
    if (after !== undefined)
      throw new JinjaFault(
        `adapter.dispatch() got '${name}', and a macro's name has no '.'`,
        site,
        `Did you mean adapter.dispatch('${after}', macro_namespace='${before}')?`,
      );
    const macro = host.dispatch(name, namespace);
    if (macro !== undefined) return macro;
    const searched = host.attempts(name, namespace).join(', ');
    throw new JinjaFault(
      `In dispatch: No macro named '${name}' found within namespace: '${namespace ?? 'None'}' (searched for ${searched})`,
      site,
      didYouMean(`default__${name}`, host.macroNames()) || `Define ${host.type}__${name} or default__${name}`,
    );
  }

  override toString(): string {
    return '<adapter>';
  }
}

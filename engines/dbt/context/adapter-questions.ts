import { quoteText } from '../../warehouse/port.js';
import type { Arguments } from '../jinja/arguments.js';
import { JinjaFault } from '../jinja/fault.js';
import { item } from '../jinja/operators.js';
import { contains, iterate, str, tuple, type Value } from '../jinja/values.js';
import type { AdapterHost } from './adapter-host.js';
import { Column } from './column.js';
import type { Queries } from './queries.js';
import { Relation } from './relation.js';
import { Response } from './results.js';
import { Table } from './table.js';

/** incremental strategies that each adapter has, of those that dbt knows */
export const STRATEGIES: Record<string, readonly string[]> = {
  duckdb: ['append', 'delete+insert', 'merge', 'microbatch'],
  postgres: ['append', 'delete+insert', 'merge', 'microbatch'],
  snowflake: ['append', 'merge', 'delete+insert', 'microbatch', 'insert_overwrite'],
};
const KNOWN_STRATEGIES = ['append', 'delete+insert', 'merge', 'insert_overwrite', 'microbatch'];

export const relationIn = (given: Arguments, index: number, name: string): Relation => {
  const value = given.value(index, name);
  if (value instanceof Relation) return value;
  throw new JinjaFault(`${given.of} needs a relation as its '${name}', not ${str(value) || 'nothing'}`);
};

type Method = (given: Arguments, host: AdapterHost, queries: Queries) => Value;

function columnsOf(relation: Relation, { database: own, type }: AdapterHost, queries: Queries): Column[] {
  const { database, schema, identifier } = relation.parts;
  const column = ({ name, type: dataType }: { name: string; type: string }): Column =>
    new Column(name, dataType, {}, type);
  // a temporary table has no schema of its own, and is found by its bare name
  if (schema === null)
    return queries.query(`select * from ${relation.render()} where false limit 0`).columns.map(column);
  if (identifier === null) return [];
  return (queries.describe({ database: database ?? own, schema, name: identifier })?.columns ?? []).map(
    column,
  );
}

const columnsByMacro = (relation: Relation, host: AdapterHost): Column[] => {
  const found = host.macro('get_columns_in_relation', [relation]);
  return Array.isArray(found) ? found.filter((each): each is Column => each instanceof Column) : [];
};

function listed(host: AdapterHost, queries: Queries, database: string | null, schema: string): Relation[] {
  return queries.relations({ database: database ?? host.database, schema }).map(
    (found) =>
      new Relation(
        {
          database: database ?? host.database,
          schema: found.schema,
          identifier: found.name,
          type: found.type,
        },
        undefined,
        undefined,
        host.type,
      ),
  );
}

function find(host: AdapterHost, queries: Queries, parts: Relation['parts']): Value {
  const { database, schema, identifier } = parts;
  if (schema === null || identifier === null) return null;
  const lower = identifier.toLowerCase();
  return (
    listed(host, queries, database, schema).find(
      (relation) => relation.parts.identifier?.toLowerCase() === lower,
    ) ?? null
  );
}

/** What asks the warehouse or changes it: none of it does anything while the project is read. */
export const ASKING: Readonly<Record<string, { meanwhile: () => Value; run: Method }>> = {
  execute: {
    meanwhile: () => tuple(null, new Table([], [])),
    run: (given, _host, queries) => {
      const fetch = given.flag(2, 'fetch');
      const answer = fetch ? queries.query(given.text(0, 'sql')) : queries.run(given.text(0, 'sql'));
      return tuple(Response.of(answer, fetch), fetch ? Table.of(answer) : new Table([], []));
    },
  },
  add_query: {
    meanwhile: () => tuple(null, null),
    run: (given, _host, queries) => tuple(null, Response.of(queries.run(given.text(0, 'sql')), false)),
  },
  commit: { meanwhile: () => null, run: (_given, _host, queries) => (queries.run('commit'), null) },
  begin: { meanwhile: () => null, run: (_given, _host, queries) => (queries.run('begin'), null) },
  get_relation: {
    meanwhile: () => null,
    run: (given, host, queries) =>
      find(host, queries, {
        database: given.optionalText(0, 'database'),
        schema: given.text(1, 'schema'),
        identifier: given.text(2, 'identifier'),
      }),
  },
  load_relation: {
    meanwhile: () => null,
    run: (given, host, queries) => find(host, queries, relationIn(given, 0, 'relation').parts),
  },
  already_exists: {
    meanwhile: () => false,
    run: (given, host, queries) =>
      find(host, queries, {
        database: null,
        schema: given.text(0, 'schema'),
        identifier: given.text(1, 'name'),
      }) !== null,
  },
  list_relations: {
    meanwhile: () => [],
    run: (given, host, queries) =>
      listed(host, queries, given.optionalText(0, 'database'), given.text(1, 'schema')),
  },
  list_relations_without_caching: {
    meanwhile: () => [],
    run: (given, host, queries) => {
      const { database, schema } = relationIn(given, 0, 'schema_relation').parts;
      return schema === null ? [] : listed(host, queries, database, schema);
    },
  },
  list_schemas: {
    meanwhile: () => [],
    run: (given, host) =>
      [...iterate(host.macro('list_schemas', [given.value(0, 'database', host.database)]))].map((row) =>
        item(row, 0),
      ),
  },
  check_schema_exists: {
    meanwhile: () => false,
    run: (given, host) => {
      const schema = given.text(1, 'schema').toLowerCase();
      const rows = iterate(host.macro('list_schemas', [given.value(0, 'database', host.database)]));
      return [...rows].some((row) => str(item(row, 0)).toLowerCase() === schema);
    },
  },
  describe: {
    meanwhile: () => [],
    run: (given, host, queries) => columnsOf(relationIn(given, 0, 'relation'), host, queries),
  },
  get_columns_in_relation: {
    meanwhile: () => [],
    run: (given, host) => columnsByMacro(relationIn(given, 0, 'relation'), host),
  },
  get_columns_in_table: {
    meanwhile: () => [],
    run: (given, host) =>
      columnsByMacro(
        new Relation({
          database: host.database,
          schema: given.text(0, 'schema'),
          identifier: given.text(1, 'identifier'),
        }),
        host,
      ),
  },
  get_missing_columns: {
    meanwhile: () => [],
    run: (given, host) => {
      const there = new Set(
        columnsByMacro(relationIn(given, 1, 'to_relation'), host).map(({ name }) => name),
      );
      return columnsByMacro(relationIn(given, 0, 'from_relation'), host).filter(
        ({ name }) => !there.has(name),
      );
    },
  },
  get_column_schema_from_query: {
    meanwhile: () => [],
    run: (given, host, queries) =>
      queries
        .query(given.text(0, 'sql'))
        .columns.flatMap(({ name, type }) => new Column(name, type, {}, host.type).flatten()),
  },
  // a text column that has become longer
  expand_target_column_types: {
    meanwhile: () => null,
    run: (given, host) => {
      const target = relationIn(given, 1, 'to_relation');
      const wanted = new Map(
        columnsByMacro(relationIn(given, 0, 'from_relation'), host).map((column) => [column.name, column]),
      );
      for (const column of columnsByMacro(target, host)) {
        const longer = wanted.get(column.name);
        if (!longer?.isLongerThan(column)) continue;
        host.macro('alter_column_type', [target, column.name, longer.attribute('data_type') ?? '']);
      }
      return null;
    },
  },
  alter_column_type: {
    meanwhile: () => null,
    run: (given, host) => (host.macro('alter_column_type', given.args, given.kwargs), null),
  },
  create_schema: {
    meanwhile: () => null,
    run: (given, host) => (host.macro('create_schema', given.args, given.kwargs), null),
  },
  drop_schema: {
    meanwhile: () => null,
    run: (given, host) => (host.macro('drop_schema', given.args, given.kwargs), null),
  },
  drop_relation: {
    meanwhile: () => null,
    run: (given, host) => (host.macro('drop_relation', given.args, given.kwargs), null),
  },
  truncate_relation: {
    meanwhile: () => null,
    run: (given, host) => (host.macro('truncate_relation', given.args, given.kwargs), null),
  },
  rename_relation: {
    meanwhile: () => null,
    run: (given, host) => (host.macro('rename_relation', given.args, given.kwargs), null),
  },
  get_incremental_strategy_macro: {
    meanwhile: () => null,
    run: (given, { type }) => {
      const context = given.value(0, 'model_context');
      const strategy = given.optionalText(1, 'strategy') ?? 'default';
      const valid = STRATEGIES[type] ?? ['append'];
      if (KNOWN_STRATEGIES.includes(strategy) && !valid.includes(strategy))
        throw new JinjaFault(
          `The incremental strategy '${strategy}' is not valid for this adapter`,
          undefined,
          `Use one of ${valid.join(', ')}`,
        );
      const name = `get_incremental_${strategy.replaceAll('+', '_')}_sql`;
      if (!contains(context, name))
        throw new JinjaFault(
          `There is no incremental strategy '${strategy}': no macro has the name ${name}`,
          undefined,
          `Use one of ${valid.join(', ')}, or define that macro`,
        );
      return item(context, name);
    },
  },
  location_exists: {
    meanwhile: () => false,
    run: (given, _host, queries) =>
      queries.query(`select 1 from glob(${quoteText(given.text(0, 'location'))})`).rows.length > 0,
  },
};

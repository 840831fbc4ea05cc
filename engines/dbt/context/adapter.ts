import { quoteIdent, quoteText } from '../../warehouse/port.js';
import { Arguments } from '../jinja/arguments.js';
import { JinjaFault } from '../jinja/fault.js';
import { Module, str, Undefined, type JinjaFunction, type Value } from '../jinja/values.js';
import { didYouMean } from '../../nearest.js';
import { Column } from './column.js';
import type { Queries } from './queries.js';
import { Relation } from './relation.js';
import { Table } from './table.js';

interface AdapterHost {
  /** null while the project is read: nothing is asked then */
  queries: Queries | null;
  database: string;
  type: string;
  /** @returns the macro, callable */
  dispatch(name: string, namespace: string | null): Value | undefined;
  macroNames(): Iterable<string>;
}

const asRelation = (value: Value, of: string): Relation => {
  if (value instanceof Relation) return value;
  throw new JinjaFault(`${of} needs a relation`);
};

/** `adapter` in a template, as far as it asks and does not change anything. */
export function adapterObject(host: AdapterHost): Module {
  const { queries } = host;
  const columns = (relation: Relation): Column[] => {
    const { database, schema, identifier } = relation.parts;
    if (!queries || schema === null || identifier === null) return [];
    const found = queries.describe({ database: database ?? host.database, schema, name: identifier });
    return (found?.columns ?? []).map(({ name, type }) => new Column(name, type));
  };
  const find = (database: string, schema: string, identifier: string): Value => {
    const found = queries
      ?.relations({ database, schema })
      .find(({ name }) => name.toLowerCase() === identifier.toLowerCase());
    if (!found) return null;
    return new Relation({ database, schema: found.schema, identifier: found.name, type: found.type });
  };
  const dispatch: JinjaFunction = (args, kwargs, site) => {
    const given = new Arguments('adapter.dispatch()', args, kwargs);
    const name = given.text(0, 'macro_name');
    const macro = host.dispatch(name, given.optionalText(1, 'macro_namespace'));
    if (macro !== undefined) return macro;
    const fix =
      didYouMean(`default__${name}`, host.macroNames()) || `Define ${host.type}__${name} or default__${name}`;
    throw new JinjaFault(`No macro '${name}' was found to dispatch to`, site, fix);
  };
  const methods: Record<string, JinjaFunction> = {
    dispatch,
    type: () => host.type,
    quote: (args, kwargs) => quoteIdent(new Arguments('adapter.quote()', args, kwargs).text(0, 'identifier')),
    quote_as_configured: (args) => quoteIdent(str(args[0] ?? '')),
    quote_seed_column: (args) => quoteIdent(str(args[0] ?? '')),
    get_relation: (args, kwargs) => {
      const given = new Arguments('adapter.get_relation()', args, kwargs);
      const database = given.optionalText(0, 'database') ?? host.database;
      return find(database, given.text(1, 'schema'), given.text(2, 'identifier'));
    },
    load_relation: (args) => {
      const { database, schema, identifier } = asRelation(args[0] ?? null, 'load_relation()').parts;
      return find(database ?? host.database, schema ?? '', identifier ?? '');
    },
    get_columns_in_relation: (args) =>
      columns(asRelation(args[0] ?? null, 'adapter.get_columns_in_relation()')),
    get_missing_columns: (args) => {
      const [from, to] = args.map((each) => columns(asRelation(each, 'adapter.get_missing_columns()')));
      const there = new Set(to?.map(({ name }) => name.toLowerCase()));
      return (from ?? []).filter(({ name }) => !there.has(name.toLowerCase()));
    },
    check_schema_exists: (args, kwargs) => {
      const schema = new Arguments('adapter.check_schema_exists()', args, kwargs).text(1, 'schema');
      if (!queries) return false;
      return (
        queries.query(
          `select 1 as one from information_schema.schemata where schema_name = ${quoteText(schema)}`,
        ).rows.length > 0
      );
    },
    execute: (args, kwargs) => {
      const sql = new Arguments('adapter.execute()', args, kwargs).text(0, 'sql');
      return [null, queries ? Table.of(queries.query(sql)) : null];
    },
  };
  return new AdapterModule(methods);
}

class AdapterModule extends Module {
  constructor(methods: Record<string, Value>) {
    super('adapter', methods);
  }
  override attribute(name: string): Value {
    const found = super.attribute(name);
    if (found !== undefined) return found;
    // the name is kept: who calls it learns that it is missing
    return new Undefined(`adapter.${name}`);
  }
}

import { Arguments } from '../jinja/arguments.js';
import { JinjaFault } from '../jinja/fault.js';
import { iterate, Module, str, type JinjaFunction, type Value } from '../jinja/values.js';
import { contractText } from './contract-error.js';
import type { LogEntry } from './queries.js';

/** A fault that the author of a template raised: its message is theirs, and needs no advice of ours. */
const raised = (text: string, site: Parameters<JinjaFunction>[2]): never => {
  throw new JinjaFault(text, site, 'A template raised it on purpose: do as it says');
};

/** `exceptions` in a template. @param warn takes warnings */
export function exceptionsModule(warn: (entry: LogEntry) => void): Module {
  const raise =
    (of: string, text: (given: Arguments) => string): JinjaFunction =>
    (args, kwargs, site) =>
      raised(text(new Arguments(`exceptions.${of}()`, args, kwargs)), site);
  const message = (of: string): JinjaFunction => raise(of, (given) => given.text(0, 'msg'));
  const named = (value: Value): string =>
    value instanceof Map ? str(value.get('unique_id') ?? value.get('name') ?? null) : str(value);
  const plain = [
    'raise_compiler_error',
    'raise_database_error',
    'raise_dependency_error',
    'raise_fail_fast_error',
    'raise_not_implemented',
    'raise_cache_inconsistent',
    'raise_dataclass_not_dict',
  ];
  return new Module('exceptions', {
    ...Object.fromEntries(plain.map((name) => [name, message(name)])),
    warn: (args) => {
      warn({ level: 'warn', text: str(args[0] ?? '') });
      return '';
    },
    warn_snapshot_timestamp_data_types: (args) => {
      const [snapshot = null, updated = null] = args;
      warn({
        level: 'warn',
        text: `Data type of snapshot table timestamp columns (${str(snapshot)}) doesn't match derived column 'updated_at' (${str(updated)}). Please update snapshot config 'updated_at'.`,
      });
      return '';
    },
    missing_config: raise(
      'missing_config',
      (given) => `${named(given.value(0, 'model'))} needs the config '${given.text(1, 'name')}'`,
    ),
    missing_materialization: raise('missing_materialization', (given) => {
      const model = given.value(0, 'model');
      const config = model instanceof Map ? model.get('config') : undefined;
      const name = config instanceof Map ? str(config.get('materialized') ?? null) : '?';
      return `No materialization '${name}' was found for adapter ${given.text(1, 'adapter_type')}`;
    }),
    missing_relation: raise(
      'missing_relation',
      (given) => `Relation ${given.text(0, 'relation')} not found!`,
    ),
    relation_wrong_type: raise(
      'relation_wrong_type',
      (given) =>
        `Trying to create ${given.text(1, 'expected_type')} ${given.text(0, 'relation')}, but a relation of another type has that name. Drop it, or rename one of the two`,
    ),
    column_type_missing: raise(
      'column_type_missing',
      (given) =>
        `Contracted models require data_type to be defined for each column. Please ensure that the column name and data_type are defined within the YAML configuration for the ${str([...iterate(given.value(0, 'column_names'))])} column(s).`,
    ),
    raise_contract_error: (args, kwargs, site) => {
      const given = new Arguments('exceptions.raise_contract_error()', args, kwargs);
      throw new JinjaFault(
        contractText(given.value(0, 'yaml_columns'), given.value(1, 'sql_columns')),
        site,
        'Make the columns of the query and those of its YAML the same, in name, number and type',
        'SchemaMismatch',
      );
    },
    raise_ambiguous_alias: raise(
      'raise_ambiguous_alias',
      (given) =>
        `${named(given.value(0, 'node_1'))} and ${named(given.value(1, 'node_2'))} have one relation`,
    ),
    raise_ambiguous_catalog_match: raise(
      'raise_ambiguous_catalog_match',
      (given) => `${given.text(0, 'unique_id')} has two entries in the catalog`,
    ),
    raise_dep_not_found: raise(
      'raise_dep_not_found',
      (given) =>
        `${named(given.value(0, 'node'))}: there is no '${given.text(1, 'node_description')}' in package '${given.text(2, 'required_pkg')}'`,
    ),
    raise_duplicate_patch_name: raise(
      'raise_duplicate_patch_name',
      (given) =>
        `${named(given.value(0, 'patch_1'))} is described twice, also in ${given.text(1, 'existing_patch_path')}`,
    ),
    raise_duplicate_resource_name: raise(
      'raise_duplicate_resource_name',
      (given) =>
        `Two resources have one name: ${named(given.value(0, 'node_1'))} and ${named(given.value(1, 'node_2'))}`,
    ),
    raise_invalid_property_yml_version: raise(
      'raise_invalid_property_yml_version',
      (given) => `The file ${given.text(0, 'path')} is invalid: ${given.text(1, 'issue')}`,
    ),
  });
}

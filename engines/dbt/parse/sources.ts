import { MillraceError } from '../../../schemas/errors.js';
import type { Environment } from '../context/environment.js';
import { isTrue } from '../context/node-context.js';
import { fromPlain, type Dict } from '../jinja/values.js';
import { folderConfig, mergeConfig } from './config.js';
import { configOwners } from './generic-test.js';
import { renderDeep } from './native.js';
import type { SourceTable } from '../manifest.js';
import type { Properties, SourceProperties } from './properties.js';
import { yamlContext } from './read-node.js';

/** Puts the declared sources into the manifest. Where Millrace has extracted one, its place counts, not the YAML's. */
export function readSources(environment: Environment, entries: Properties<SourceProperties>[]): void {
  const { manifest } = environment;
  for (const { value, yaml, path, package: owner, folders } of entries) {
    const scope = yamlContext(environment, owner.name).root();
    const render = (part: unknown): unknown => renderDeep(part, scope, yaml.file);
    const source = String(render(value.name));
    value.name = source;
    value.tables.forEach((table, index) => {
      const name = String(render(table.name));
      table.name = name;
      const id = `source.${owner.name}.${source}.${name}`;
      const fqn = [owner.name, ...folders, source, name];
      const config: Dict = new Map();
      for (const each of configOwners(environment, owner.name))
        mergeConfig(config, folderConfig(each.yaml.sources, fqn, render));
      for (const level of [value, table]) {
        if (level.tags.length > 0) mergeConfig(config, [['tags', level.tags]]);
        if (level.meta !== undefined && level.meta !== null)
          mergeConfig(config, [['meta', fromPlain(level.meta)]]);
        mergeConfig(config, fromPlain(render(level.config)) as Dict);
      }
      const former = manifest.sources.get(id);
      if (former)
        throw new MillraceError('DuplicateNode', {
          what: `Source table '${source}.${name}' is declared twice, also in ${former.file}`,
          where: yaml.at([...path, 'tables', index]),
          fix: 'Remove one of the two',
        });
      const node: SourceTable = {
        ...{
          id,
          kind: 'source',
          source,
          name,
          package: owner.name,
          file: yaml.file,
          path: yaml.file,
          fqn,
          config,
        },
        dependsOn: [],
        relation: environment.sources[`${source}.${name}`]?.relation ?? {
          schema: String(render(value.schema ?? source)),
          name: String(render(table.identifier ?? name)),
        },
        columns: [],
        description: table.description ?? '',
        sourceDescription: value.description ?? '',
        ...{ loader: '', freshness: null, loadedAtField: null, loadedAtQuery: null, quoting: {} },
      };
      if (isTrue(config, 'enabled', true)) manifest.sources.set(id, node);
      else manifest.disabled.set(id, node);
    });
  }
}

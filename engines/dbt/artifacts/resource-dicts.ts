import type { Environment } from '../context/environment.js';
import { fromPlain, str, type Dict, type Value } from '../jinja/values.js';
import type { DocsBlock, Exposure, Group, SourceFreshness, SourceTable } from '../manifest.js';
import { columnDicts } from './column-dict.js';
import { createdAt, identity, referenceDicts, relationText, unrendered } from './node-dict.js';

/** A source table as dbt writes it. */
export function sourceDict(source: SourceTable, environment: Environment): Dict {
  const { relation, config } = source;
  const never = config.has('freshness') && config.get('freshness') === null;
  const freshness = never ? null : freshnessDict(source.freshness);
  const meta = config.get('meta') ?? new Map();
  const tags = list(config.get('tags'));
  return new Map<Value, Value>([
    ['database', relation.database ?? environment.target.database],
    ['schema', relation.schema],
    ...identity(source, environment),
    ['fqn', [...source.fqn]],
    ['source_name', source.source],
    ['source_description', source.sourceDescription],
    ['loader', source.loader],
    ['identifier', relation.name],
    [
      'quoting',
      fromPlain({ ...{ database: null, schema: null, identifier: null, column: null }, ...source.quoting }),
    ],
    ['loaded_at_field', source.loadedAtField],
    ['loaded_at_query', source.loadedAtQuery],
    ['freshness', freshness],
    ['external', fromPlain(source.external ?? null)],
    ['description', source.description],
    ['columns', columnDicts(source.columns)],
    ['meta', meta],
    ['source_meta', fromPlain(source.sourceMeta ?? {})],
    ['tags', tags],
    [
      'config',
      new Map<Value, Value>([
        ['enabled', true],
        ['event_time', null],
        ...config,
        ['freshness', freshness],
        ['loaded_at_field', source.loadedAtField],
        ['loaded_at_query', source.loadedAtQuery],
        ['meta', meta],
        ['tags', tags],
      ]),
    ],
    ['patch_path', source.patch ?? null],
    ['unrendered_config', unrendered(source)],
    ['relation_name', relationText(relation, environment)],
    ['created_at', createdAt(environment)],
    ['unrendered_database', null],
    ['unrendered_schema', (source as { unrenderedSchema?: string }).unrenderedSchema ?? relation.schema],
    ['doc_blocks', []],
  ]);
}

function freshnessDict(freshness: SourceFreshness | null): Value {
  const never = { count: null, period: null };
  const { warnAfter = null, errorAfter = null, filter = null } = freshness ?? {};
  return fromPlain({ warn_after: warnAfter ?? never, error_after: errorAfter ?? never, filter });
}

/** An exposure as dbt writes it. */
export function exposureDict(exposure: Exposure, environment: Environment): Dict {
  const { definition, config, description, dependsOn } = exposure;
  const tags = list(config.get('tags') ?? fromPlain(definition['tags'] ?? []));
  const meta = config.get('meta') ?? fromPlain(definition['meta'] ?? {});
  const field = (name: string): Value => fromPlain(definition[name] ?? null);
  return new Map<Value, Value>([
    ...identity(exposure, environment),
    ['fqn', [...exposure.fqn]],
    ['type', field('type')],
    ['owner', fromPlain({ email: null, name: null, ...(definition['owner'] as object | undefined) })],
    ['description', description],
    ['label', field('label')],
    ['maturity', field('maturity')],
    ['meta', meta],
    ['tags', tags],
    ['config', new Map<Value, Value>([['enabled', true], ...config, ['tags', tags], ['meta', meta]])],
    ['unrendered_config', unrendered(exposure)],
    ['url', field('url')],
    ['depends_on', fromPlain({ macros: [], nodes: dependsOn })],
    ...referenceDicts(exposure.references, exposure.metrics),
    ['created_at', createdAt(environment)],
  ]);
}

export const groupDict = (group: Group, environment: Environment): Dict =>
  new Map<Value, Value>([
    ...identity({ ...group, kind: 'group' }, environment),
    ['owner', fromPlain({ email: null, name: null, ...group.owner })],
    ['description', group.description === '' ? null : group.description],
    ['config', fromPlain({ meta: {}, ...group.config })],
  ]);

export const docsDict = (block: DocsBlock, environment: Environment): Dict =>
  new Map<Value, Value>([
    ...identity({ ...block, kind: 'doc' }, environment),
    ['block_contents', block.text],
  ]);

/** one tag may be written without brackets */
export const list = (value: Value | undefined): Value[] =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value : [str(value)];

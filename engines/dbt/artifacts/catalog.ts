import type { ListedRelation, RelationInfo, RelationName, Session } from '../../warehouse/port.js';
import type { Environment } from '../context/environment.js';
import { isEphemeral } from '../graph.js';
import { metadata } from './metadata.js';
import { writeArtifact } from './manifest.js';

export interface CatalogColumn {
  type: string;
  /** from 1 */
  index: number;
  name: string;
  comment: string | null;
}

export interface CatalogTable {
  metadata: {
    type: string;
    schema: string;
    name: string;
    database: string | null;
    comment: string | null;
    owner: string | null;
  };
  columns: Record<string, CatalogColumn>;
  stats: Record<string, unknown>;
  unique_id: string;
}

/** dbt's catalog.json (v1): what the warehouse says of the relations that are there. */
export interface CatalogArtifact {
  metadata: Record<string, unknown>;
  nodes: Record<string, CatalogTable>;
  sources: Record<string, CatalogTable>;
  errors: string[] | null;
}

/** what `information_schema` calls them */
const TYPES: Record<ListedRelation['type'], string> = {
  table: 'BASE TABLE',
  view: 'VIEW',
  materialized_view: 'MATERIALIZED VIEW',
  external: 'EXTERNAL TABLE',
};

const STATS = {
  has_stats: {
    ...{ id: 'has_stats', label: 'Has Stats?', value: false, include: false },
    description: 'Indicates whether there are statistics for this table',
  },
};

/** relations asked for at once */
const TOGETHER = 8;

/**
 * Asks the warehouse for the columns of every model, seed, snapshot, stored test and source.
 * A relation that is not there is left out; one that cannot be read is named under `errors`.
 */
export async function catalogArtifact(
  environment: Environment,
  session: Session,
  signal?: AbortSignal,
): Promise<CatalogArtifact> {
  const { manifest } = environment;
  const catalog: CatalogArtifact = {
    ...{ metadata: metadata('catalog', environment), nodes: {}, sources: {} },
    errors: null,
  };
  const wanted: [into: Record<string, CatalogTable>, id: string, relation: RelationName][] = [];
  for (const node of manifest.nodes.values())
    if (node.relation && !isEphemeral(node)) wanted.push([catalog.nodes, node.id, node.relation]);
  for (const { id, relation } of manifest.sources.values()) wanted.push([catalog.sources, id, relation]);
  const errors: string[] = [];
  const found = new Map<string, CatalogTable>();
  const queue = wanted.values();
  const ask = async (): Promise<void> => {
    for (const [, id, relation] of queue)
      try {
        const info = await session.describe(relation, { signal });
        if (info) found.set(id, catalogTable(id, relation, info, environment));
      } catch (cause) {
        signal?.throwIfAborted();
        errors.push(`${id}: ${cause instanceof Error ? cause.message : String(cause)}`);
      }
  };
  await Promise.all(Array.from({ length: TOGETHER }, ask));
  for (const [into, id] of wanted) {
    const table = found.get(id);
    if (table) into[id] = table;
  }
  return { ...catalog, errors: errors.length > 0 ? errors : null };
}

/** Writes target/catalog.json. @returns what it says */
export async function writeCatalog(
  environment: Environment,
  session: Session,
  folder: string,
  signal?: AbortSignal,
): Promise<CatalogArtifact> {
  const catalog = await catalogArtifact(environment, session, signal);
  writeArtifact(folder, 'catalog.json', catalog);
  return catalog;
}

function catalogTable(
  id: string,
  relation: RelationName,
  info: RelationInfo,
  { target }: Environment,
): CatalogTable {
  const comments = info as { comment?: string | null; owner?: string | null };
  const columns = info.columns.map(({ name, type, ...more }, at): [string, CatalogColumn] => [
    name,
    { type, index: at + 1, name, comment: (more as { comment?: string | null }).comment ?? null },
  ]);
  return {
    metadata: {
      ...{ type: TYPES[info.type], schema: relation.schema, name: relation.name },
      database: relation.database ?? target.database,
      ...{ comment: comments.comment ?? null, owner: comments.owner ?? null },
    },
    columns: Object.fromEntries(columns),
    ...{ stats: STATS, unique_id: id },
  };
}

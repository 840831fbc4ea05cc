import type { CatalogArtifact } from '../dbt/artifacts/catalog.js';
import type { ManifestArtifact } from '../dbt/artifacts/manifest.js';
import { graphLineage, type GraphLineage, type LineageRelation } from './graph-lineage.js';
import { loadParser } from './query-lineage.js';

type Plain = Record<string, unknown>;

/**
 * Column lineage of a dbt project, from its artifacts: those of Millrace, or those of dbt. Only nodes that were compiled
 * have one; the catalog tells what `*` stands for in sources and seeds.
 */
export async function projectLineage(
  manifest: ManifestArtifact,
  catalog: Pick<CatalogArtifact, 'nodes' | 'sources'> | null,
): Promise<GraphLineage> {
  const dialect = text(manifest.metadata['adapter_type']) ?? 'duckdb';
  return graphLineage(await loadParser(), lineageRelations(manifest, catalog), dialect);
}

const MADE = new Set(['model', 'snapshot']);

/** What of a manifest has columns, each after what it reads. */
export function lineageRelations(
  manifest: ManifestArtifact,
  catalog: Pick<CatalogArtifact, 'nodes' | 'sources'> | null,
): LineageRelation[] {
  const relations: LineageRelation[] = [];
  for (const [id, source] of Object.entries(manifest.sources))
    relations.push({
      ...{ id, table: tableOf(source, 'identifier'), sql: null },
      columns: columnNames(catalog?.sources[id]?.columns),
    });
  const seen = new Set<string>();
  const visit = (id: string): void => {
    const node = manifest.nodes[id];
    if (!node || seen.has(id)) return;
    seen.add(id);
    for (const parent of parentsOf(node)) visit(parent);
    const kind = text(node['resource_type']) ?? '';
    if (kind === 'seed' || MADE.has(kind)) relations.push(relationOf(id, node, catalog));
  };
  for (const id of Object.keys(manifest.nodes)) visit(id);
  return relations;
}

function relationOf(
  id: string,
  node: Plain,
  catalog: Pick<CatalogArtifact, 'nodes'> | null,
): LineageRelation {
  const config = plain(node['config']);
  const compiled = text(node['compiled_code']);
  const made = node['resource_type'] !== 'seed';
  return {
    ...{ id, table: tableOf(node, 'alias') },
    sql: made ? compiled : null,
    columns: columnNames(catalog?.nodes[id]?.columns),
    ...(config['materialized'] === 'ephemeral' && { cte: `__dbt__cte__${text(node['name']) ?? ''}` }),
    ...(node['resource_type'] === 'snapshot' && { added: snapshotColumns(config) }),
  };
}

/** what a snapshot adds to its query: a hash of key and time, and the times between which a row was so */
function snapshotColumns(config: Plain): NonNullable<LineageRelation['added']> {
  const own = plain(config['snapshot_meta_column_names']);
  const updated = text(config['updated_at']);
  const time = updated === null ? [] : [updated];
  const keys = (
    Array.isArray(config['unique_key']) ? config['unique_key'] : [config['unique_key']]
  ) as unknown[];
  const from: Record<string, string[]> = {
    dbt_scd_id: [...keys.flatMap((key) => text(key) ?? []), ...time],
    dbt_updated_at: time,
    dbt_valid_from: time,
    dbt_valid_to: time,
    ...(config['hard_deletes'] === 'new_record' && { dbt_is_deleted: [] }),
  };
  return Object.entries(from).map(([name, columns]) => ({ name: text(own[name]) ?? name, from: columns }));
}

const tableOf = (from: Plain, name: string): LineageRelation['table'] => ({
  database: text(from['database']),
  schema: text(from['schema']),
  name: text(from[name]) ?? '',
});

function parentsOf(node: Plain): string[] {
  const { nodes } = plain(node['depends_on']);
  return Array.isArray(nodes) ? (nodes as string[]) : [];
}

const columnNames = (columns: Record<string, unknown> | undefined): string[] | null =>
  columns ? Object.keys(columns) : null;

const plain = (value: unknown): Plain =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Plain) : {};

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);

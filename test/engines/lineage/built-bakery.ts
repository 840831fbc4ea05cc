import { catalogArtifact, type CatalogArtifact } from '../../../engines/dbt/artifacts/catalog.js';
import { manifestArtifact, type ManifestArtifact } from '../../../engines/dbt/artifacts/manifest.js';
import { loadTransform } from '../../../engines/dbt/transform.js';
import type { NodeRecord } from '../../../schemas/transform.js';
import { context, openMemory, writeProject } from '../dbt/project.js';
import { BAKERY } from './bakery.js';

export interface Built {
  manifest: ManifestArtifact;
  catalog: CatalogArtifact;
  records: NodeRecord[];
}

/** Builds the shop as `dbt build` does. */
export async function buildBakery(): Promise<Built> {
  const warehouse = await openMemory();
  const transform = await loadTransform(
    context(writeProject(BAKERY), warehouse, { audit: false, ledger: false }),
  );
  const records: NodeRecord[] = [];
  const { nodes } = transform.plan();
  // models read the seeds as sources, of which the graph knows nothing
  const seedsFirst = [...nodes].sort((a, b) => Number(b.kind === 'seed') - Number(a.kind === 'seed'));
  for (const { id } of seedsFirst) records.push(await transform.run(id));
  const { environment } = transform;
  const byId = records.map((record): [string, Pick<NodeRecord, 'compiled'>] => [record.result.id, record]);
  const compiled = async (name: string): Promise<[string, Pick<NodeRecord, 'compiled'>]> => [
    `model.bakery.${name}`,
    { compiled: await transform.compile(`model.bakery.${name}`) },
  ];
  return {
    manifest: manifestArtifact(environment, new Map([...byId, await compiled('priced_items')])),
    catalog: await catalogArtifact(environment, warehouse),
    records,
  };
}

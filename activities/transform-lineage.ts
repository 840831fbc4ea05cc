import { catalogArtifact } from '../engines/dbt/artifacts/catalog.js';
import { manifestArtifact } from '../engines/dbt/artifacts/manifest.js';
import { Outbox, type Delivery } from '../engines/lineage/outbox.js';
import { projectLineage } from '../engines/lineage/project-lineage.js';
import { endEvents, startEvent, type RunStory } from '../engines/lineage/run-events.js';
import { openSink } from '../engines/lineage/sink.js';
import { within } from '../engines/project/within.js';
import type { ProjectRef } from '../schemas/project.js';
import type { Lineage } from '../schemas/lineage.js';
import type { NodeRecord } from '../schemas/transform.js';
import type { WarehouseSpec } from '../schemas/warehouse.js';
import { MILLRACE } from './millrace.js';
import type { Resources } from './resources.js';
import type { PlannedRun } from './transform-runs.js';

/** What a workflow says of its run. */
export interface Told {
  event: 'START' | 'COMPLETE' | 'FAIL' | 'ABORT';
  /** ISO 8601 */
  at: string;
  message?: string;
}

/** Puts a run's events into the lake's outbox, and sends what waits there. A sink that is down is no error. */
export async function tellLineage(
  planned: PlannedRun,
  records: readonly NodeRecord[],
  told: Told,
  resources: Resources,
  signal: AbortSignal,
): Promise<Delivery> {
  const { project, transform } = planned;
  const { lineage } = project.spec;
  const nothing = { sent: 0, rejected: 0, left: 0, error: null };
  if (!lineage) return nothing;
  const outbox = new Outbox(project.lake);
  if (told.event === 'START') await outbox.put([startEvent(storyOf(planned, lineage, []))]);
  else {
    const warehouse = await resources.warehouse(project.spec, project.ref.root);
    const story = storyOf(planned, lineage, records);
    const catalog = await catalogArtifact(transform.environment, warehouse, signal);
    const ending = {
      ...{ outcome: told.event, endedAt: told.at, records, catalog },
      ...(told.message !== undefined && { message: told.message }),
      lineage: await projectLineage(story.manifest, catalog),
    };
    await outbox.put(endEvents(story, ending));
  }
  const apiKey = lineage.apiKey === undefined ? undefined : await resources.secrets.resolve(lineage.apiKey);
  return outbox.deliver(openSink(lineage, project.ref.root, apiKey), signal);
}

function storyOf(
  { project, transform, input }: PlannedRun,
  { namespace }: Lineage,
  records: readonly NodeRecord[],
): RunStory {
  const { environment } = transform;
  const { run, interval, startedAt } = environment.run;
  const parent = input.pipeline === undefined ? undefined : `${project.ref.name}.${input.pipeline}`;
  return {
    ...{ namespace, run, interval, startedAt, engine: MILLRACE },
    warehouse: addressOf(project.spec.warehouse, project.ref),
    manifest: manifestArtifact(environment, new Map(records.map((record) => [record.result.id, record]))),
    ...(parent !== undefined && { parent: { job: { namespace, name: parent }, run } }),
  };
}

/** Where the datasets are, as OpenLineage names it; no credentials. */
function addressOf(warehouse: WarehouseSpec, { root }: ProjectRef): string {
  if (warehouse.kind === 'duckdb') return `duckdb://${within(root, warehouse.path)}`;
  return warehouse.kind === 'snowflake' ? `snowflake://${warehouse.account}` : 'postgres://';
}

import { setTimeout as sleep } from 'node:timers/promises';
import { readManifest } from '../engines/lake/bronze.js';
import { freshness } from '../engines/lake/freshness.js';
import { failedRecord } from '../engines/dbt/run/record.js';
import type { Delivery } from '../engines/lineage/outbox.js';
import { projectFile } from '../engines/project/load.js';
import { bindSource, boundSources } from '../engines/warehouse/bind-source.js';
import type { ObjectRef } from '../schemas/common.js';
import { MillraceError } from '../schemas/errors.js';
import type { ProjectRef } from '../schemas/project.js';
import type { PlannedTransform, TransformInput } from '../schemas/run.js';
import type { Stream } from '../schemas/source.js';
import type { NodeRecord, NodeResult, PlanNode } from '../schemas/transform.js';
import { beating } from './beating.js';
import type { Deps } from './deps.js';
import type { OpenProject } from './resources.js';
import { pagesOf, readPlan, storePlan } from './transform-plan.js';
import { tellLineage, type Told } from './transform-lineage.js';
import { readRecords, Records } from './transform-records.js';
import { PlannedRuns, type PlanInput } from './transform-runs.js';

/** One step of a planned run: everything else is in the plan. */
export interface NodeInput extends PlanInput {
  /** dbt's unique_id */
  node: string;
}

/** Twice the time in which a worker writes its records. */
const OTHERS_WRITE_MS = 400;

export const createTransformActivities = (deps: Deps) => {
  const labels = ({ project }: { project: ProjectRef }) => ({
    project: project.name,
    stage: 'transform',
    stream: '',
  });

  const records = new Records((text) => deps.resources.secrets.redact(text));
  const runs = new PlannedRuns(deps.resources);

  /** What the run's nodes came to so far; other workers write theirs within a moment. */
  const resultsOf = async ({ lake, spec }: OpenProject, plan: ObjectRef): Promise<NodeRecord[]> => {
    await records.flush(plan);
    if (spec.warehouse.kind !== 'duckdb') await sleep(OTHERS_WRITE_MS);
    return [...(await readRecords(lake, plan)).values()];
  };

  /** Carries a node out. Its record goes to the lake, also that of a failure, and the history gets the result. */
  const carryOut = (input: NodeInput): Promise<NodeResult> =>
    beating(deps, labels(input), async ({ signal }) => {
      const { project, transform } = await runs.get(input);
      const began = new Date();
      try {
        const results = isHook(input.node) ? await resultsOf(project, input.plan) : [];
        const record = await transform.run(input.node, { signal, results });
        const { result } = record;
        records.add(project.lake, input.plan, record);
        deps.meter.count('nodes', { project: input.project.name, status: result.status }, 1);
        if (result.status === 'success') deps.meter.count('rows', labels(input), result.rows ?? 0);
        return result;
      } catch (cause) {
        if (!signal.aborted) records.add(project.lake, input.plan, failedRecord(input.node, began, cause));
        throw cause;
      }
    });

  return {
    /** Binds bronze to the warehouse, parses the project and works out the graph of the selected nodes. */
    planTransform: (input: TransformInput): Promise<PlannedTransform> =>
      beating(deps, labels(input), async ({ signal }) => {
        const project = await deps.resources.project(input.project);
        const warehouse = await deps.resources.warehouse(project.spec, input.project.root);
        for (const [source, spec] of Object.entries(project.spec.sources)) {
          await bindSource({ warehouse, lake: project.lake, source, spec, signal });
        }
        await assertFresh(project);
        const sources = await boundSources(warehouse);
        const plan = (await runs.load(project, input, sources)).plan();
        return storePlan(project.lake, { input, plan, sources }, project.spec.lineage !== undefined);
      }),

    /** A further page of the graph. */
    planPage: (input: PlanInput & { page: number }): Promise<PlanNode[]> =>
      beating(deps, labels(input), async () => {
        const { lake } = await deps.resources.project(input.project);
        const { plan, input: run } = await readPlan(lake, input.plan);
        return pagesOf(plan.nodes, run.wanted)[input.page] ?? [];
      }),

    buildNode: carryOut,
    testNode: carryOut,

    publishNode: (input: NodeInput): Promise<NodeResult> =>
      beating(deps, labels(input), async ({ signal }) => {
        const { transform } = await runs.get(input);
        return transform.publish(input.node, { signal });
      }),

    /** Writes the last records. The ledger of a run that nobody wants to reuse was needed only while it went on. */
    endRun: (input: PlanInput & { forget: boolean }): Promise<void> =>
      beating(deps, labels(input), async () => {
        const { transform } = await runs.get(input);
        await records.flush(input.plan);
        if (input.forget) await transform.forget();
      }),

    /** Tells OpenLineage of a run's start or end. A place that is down has its events later. */
    tellLineage: (input: PlanInput & Told): Promise<Delivery> =>
      beating(deps, labels(input), async ({ signal }) => {
        const run = await runs.get(input);
        const told = input.event === 'START' ? [] : await resultsOf(run.project, input.plan);
        return tellLineage(run, told, input, deps.resources, signal);
      }),

    /** After a cancellation: what was built beside the live relations and will not be published. */
    discardBuilt: (input: PlanInput): Promise<void> =>
      beating(deps, labels(input), async ({ signal }) =>
        (await runs.get(input)).transform.discard({ signal }),
      ),
  };
};
export type TransformActivities = ReturnType<typeof createTransformActivities>;

const isHook = (node: string): boolean => node.startsWith('operation.');

/** Old data is a fault where the stream says so; a replicated table is as fresh as the run that waited for it. */
async function assertFresh({ spec, lake, ref }: OpenProject): Promise<void> {
  for (const [source, { streams }] of Object.entries(spec.sources)) {
    for (const [stream, declared] of Object.entries<Stream>(streams)) {
      if (!declared.freshness?.errorAfter || ('load' in declared && declared.load === 'cdc')) continue;
      const { batches } = await readManifest(lake, source, stream);
      const { status, at, limit } = freshness(batches, new Date(), declared.freshness);
      if (status !== 'error') continue;
      throw new MillraceError('DataStale', {
        what: `the newest rows of ${source}.${stream} are from ${at ?? 'never'}, older than ${limit}`,
        where: {
          file: projectFile(ref.root) ?? ref.root,
          path: `sources.${source}.streams.${stream}.freshness`,
        },
        fix: 'Find out why its source brings nothing; then run again. Nothing was built from old data',
      });
    }
  }
}

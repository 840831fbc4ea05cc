import { setTimeout as sleep } from 'node:timers/promises';
import { readManifest } from '../engines/lake/bronze.js';
import { freshness } from '../engines/lake/freshness.js';
import { failedRecord } from '../engines/dbt/run/record.js';
import { loadTransform, type Transform } from '../engines/dbt/transform.js';
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
import { pagesOf, readPlan, storePlan, type PlanDocument } from './transform-plan.js';
import { tellLineage, type Told } from './transform-lineage.js';
import { readRecords, Records } from './transform-records.js';

/** One step of a planned run: everything else is in the plan. */
export interface NodeInput {
  project: ProjectRef;
  plan: ObjectRef;
  /** dbt's unique_id */
  node: string;
}
export type PlanInput = Omit<NodeInput, 'node'>;

/** A run as its nodes find it. */
export interface PlannedRun {
  project: OpenProject;
  transform: Transform;
  input: TransformInput;
}

/** Plans that a worker keeps open: the runs that go on at once, and a few that were just there. */
const KEPT = 8;
/** Twice the time in which a worker writes its records. */
const OTHERS_WRITE_MS = 400;

export const createTransformActivities = (deps: Deps) => {
  const labels = ({ project }: { project: ProjectRef }) => ({
    project: project.name,
    stage: 'transform',
    stream: '',
  });

  const open = async (project: OpenProject, input: TransformInput, sources: PlanDocument['sources']) => {
    const { spec, dbtDir, ref } = project;
    const warehouse = await deps.resources.warehouse(spec, ref.root);
    if (!spec.transform || !dbtDir) {
      throw new MillraceError('DbtProjectInvalid', {
        what: `project ${ref.name} has no dbt_project.yml in its transform folder`,
        where: { file: projectFile(ref.root) ?? ref.root, path: 'transform.dir' },
        fix: 'Point transform.dir to the folder that holds dbt_project.yml',
      });
    }
    return loadTransform({
      ...{ dir: dbtDir, warehouse, schema: input.dbt?.schema ?? spec.warehouse.schema, sources },
      ...{ interval: input.interval, run: input.run, reuse: input.reuse },
      vars: { ...spec.transform.vars, ...input.dbt?.flags.vars },
      env: await variables(spec.transform.env),
      ...(input.dbt
        ? { ...input.dbt, audit: false, ledger: input.reuse ? true : 'appends' }
        : { select: input.select }),
    });
  };

  /** What a template may read: what the project declares, and the variables that are dbt's by their name. */
  const variables = async (
    declared: Record<string, string> | 'inherit',
  ): Promise<Record<string, string | undefined>> => {
    if (declared === 'inherit') return process.env;
    const resolved = Object.entries(declared).map(
      async ([name, ref]) => [name, await deps.resources.secrets.resolve(ref)] as const,
    );
    const own = Object.entries(process.env).filter(([name]) => name.startsWith('DBT_'));
    return Object.fromEntries([...own, ...(await Promise.all(resolved))]);
  };

  const redact = (text: string): string => deps.resources.secrets.redact(text);
  const records = new Records(redact);
  const opened = new Map<string, Promise<PlannedRun>>();
  /** A plan names all that its nodes depend on, so what was read for one node serves the next. */
  const planned = (input: PlanInput) => {
    const key = input.plan.sha256;
    const found =
      opened.get(key) ??
      deps.resources.project(input.project).then(async (project) => {
        const document = await readPlan(project.lake, input.plan);
        const transform = await open(project, document.input, document.sources);
        return { project, transform, input: document.input };
      });
    opened.delete(key);
    opened.set(key, found);
    found.catch(() => opened.delete(key));
    if (opened.size > KEPT) opened.delete(opened.keys().next().value ?? '');
    return found;
  };

  /** What the run's nodes came to so far; other workers write theirs within a moment. */
  const resultsOf = async ({ lake, spec }: OpenProject, plan: ObjectRef): Promise<NodeRecord[]> => {
    await records.flush(plan);
    if (spec.warehouse.kind !== 'duckdb') await sleep(OTHERS_WRITE_MS);
    return [...(await readRecords(lake, plan)).values()];
  };

  /** Carries a node out. Its record goes to the lake, also that of a failure, and the history gets the result. */
  const carryOut = (input: NodeInput): Promise<NodeResult> =>
    beating(deps, labels(input), async ({ signal }) => {
      const { project, transform } = await planned(input);
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
        const plan = (await open(project, input, sources)).plan();
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
        const { transform } = await planned(input);
        return transform.publish(input.node, { signal });
      }),

    /** Writes the last records. The ledger of a run that nobody wants to reuse was needed only while it went on. */
    endRun: (input: PlanInput & { forget: boolean }): Promise<void> =>
      beating(deps, labels(input), async () => {
        const { transform } = await planned(input);
        await records.flush(input.plan);
        if (input.forget) await transform.forget();
      }),

    /** Tells OpenLineage of a run's start or end. A place that is down has its events later. */
    tellLineage: (input: PlanInput & Told): Promise<Delivery> =>
      beating(deps, labels(input), async ({ signal }) => {
        const run = await planned(input);
        const told = input.event === 'START' ? [] : await resultsOf(run.project, input.plan);
        return tellLineage(run, told, input, deps.resources, signal);
      }),

    /** After a cancellation: what was built beside the live relations and will not be published. */
    discardBuilt: (input: PlanInput): Promise<void> =>
      beating(deps, labels(input), async ({ signal }) =>
        (await planned(input)).transform.discard({ signal }),
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

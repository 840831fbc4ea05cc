import { loadTransform, type Transform } from '../engines/dbt/transform.js';
import { projectFile } from '../engines/project/load.js';
import type { ObjectRef } from '../schemas/common.js';
import { MillraceError } from '../schemas/errors.js';
import type { ProjectRef } from '../schemas/project.js';
import type { TransformInput } from '../schemas/run.js';
import type { OpenProject, Resources } from './resources.js';
import { readPlan, type PlanDocument } from './transform-plan.js';

/** A run whose plan lies in the lake. */
export interface PlanInput {
  project: ProjectRef;
  plan: ObjectRef;
}

/** A run as its nodes find it. */
export interface PlannedRun {
  project: OpenProject;
  transform: Transform;
  input: TransformInput;
}

/** Plans that a worker keeps open: the runs that go on at once, and a few that were just there. */
const KEPT = 8;

/** The runs that a worker has a part in. */
export class PlannedRuns {
  private readonly opened = new Map<string, Promise<PlannedRun>>();

  constructor(private readonly resources: Resources) {}

  /** A plan names all that its nodes depend on, so what was read for one node serves the next. */
  get({ project: ref, plan }: PlanInput): Promise<PlannedRun> {
    const { opened } = this;
    const found = opened.get(plan.sha256) ?? this.read(ref, plan);
    opened.delete(plan.sha256);
    opened.set(plan.sha256, found);
    found.catch(() => opened.delete(plan.sha256));
    if (opened.size > KEPT) opened.delete(opened.keys().next().value ?? '');
    return found;
  }

  private async read(ref: ProjectRef, plan: ObjectRef): Promise<PlannedRun> {
    const project = await this.resources.project(ref);
    const { input, sources } = await readPlan(project.lake, plan);
    return { project, input, transform: await this.load(project, input, sources) };
  }

  /**
   * Reads a project's dbt folder for a run.
   *
   * @throws MillraceError DbtProjectInvalid where there is none
   */
  async load(
    { spec, dbtDir, ref }: OpenProject,
    input: TransformInput,
    sources: PlanDocument['sources'],
  ): Promise<Transform> {
    const warehouse = await this.resources.warehouse(spec, ref.root);
    if (!spec.transform || !dbtDir)
      throw new MillraceError('DbtProjectInvalid', {
        what: `project ${ref.name} has no dbt_project.yml in its transform folder`,
        where: { file: projectFile(ref.root) ?? ref.root, path: 'transform.dir' },
        fix: 'Point transform.dir to the folder that holds dbt_project.yml',
      });
    return loadTransform({
      ...{ dir: dbtDir, warehouse, schema: input.dbt?.schema ?? spec.warehouse.schema, sources },
      ...{ interval: input.interval, run: input.run, reuse: input.reuse },
      vars: { ...spec.transform.vars, ...input.dbt?.flags.vars },
      env: await this.variables(spec.transform.env),
      ...(input.dbt
        ? { ...input.dbt, audit: false, ledger: input.reuse ? true : 'appends' }
        : { select: input.select }),
    });
  }

  /** What a template may read: what the project declares, and the variables that are dbt's by their name. */
  private async variables(
    declared: Record<string, string> | 'inherit',
  ): Promise<Record<string, string | undefined>> {
    if (declared === 'inherit') return process.env;
    const resolved = Object.entries(declared).map(
      async ([name, ref]) => [name, await this.resources.secrets.resolve(ref)] as const,
    );
    const own = Object.entries(process.env).filter(([name]) => name.startsWith('DBT_'));
    return Object.fromEntries([...own, ...(await Promise.all(resolved))]);
  }
}

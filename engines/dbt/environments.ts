import { MillraceError } from '../../schemas/errors.js';
import {
  quoteIdent,
  quoteRelation,
  type RelationName,
  type Session,
  type Warehouse,
  findNamed,
} from '../warehouse/port.js';
import { manifestArtifact } from './artifacts/manifest.js';
import type { Environment } from './context/environment.js';
import { isEphemeral, topological } from './graph.js';
import { truthy } from './jinja/values.js';
import type { Node } from './manifest.js';
import { relationObject } from './run/compile.js';
import type { Job } from './run/job.js';
import { make, nodeHooks } from './run/make.js';
import { materializeTable } from './run/materializations.js';
import { NodeTask } from './run/task.js';
import { selectNodes } from './select/select-nodes.js';
import { ManifestArtifact } from './state/artifact.js';
import type { PreviousState } from './state/previous.js';

/**
 * An environment is a copy of production in which only what has changed stands: its relations are in schemas of their
 * own beside production's (`marts__pr_12`), everything else is read from production itself. Once it is found good it
 * is published: what was built takes the place of production's relations.
 */
export interface Publication {
  /** ids of nodes, in the order in which they were made */
  published: string[];
}

/**
 * Moves what differs from production, and all that reads it, into an environment's schemas.
 *
 * @param name as the command line has it: `pr-12`
 * @param production its last manifest.json
 * @param chosen what the command selects; only of this anything is built
 * @returns ids of the nodes that are left to build, and their tests
 * @throws MillraceError ProjectInvalid for a name that can be no schema's; ObjectMissing, ObjectCorrupt
 */
export function enterEnvironment(
  environment: Environment,
  name: string,
  production: PreviousState,
  chosen: ReadonlySet<string>,
): Set<string> {
  const suffix = suffixOf(name);
  const { manifest, packages } = environment;
  const { ids: changed } = selectNodes({
    ...{ manifest, packages, command: 'build', state: production },
    flags: { select: ['state:modified+'] },
    current: () => ManifestArtifact.parse(manifestArtifact(environment)),
  });
  const ids = new Set([...chosen].filter((id) => changed.has(id)));
  for (const id of ids) {
    const node = manifest.nodes.get(id);
    if (!node?.relation) continue;
    node.relation = { ...node.relation, schema: node.relation.schema + suffix };
    if (node.names) node.names = { ...node.names, schema: node.names.schema + suffix };
  }
  return ids;
}

/**
 * Puts an environment in production's place: views are made anew over production's names, tables take over the rows
 * that were built and tested. All of it is one transaction where the warehouse has one for definitions; then the
 * environment's relations are dropped.
 *
 * @param environment the project as production has it
 * @param built the artifacts of the environment's last build
 * @throws MillraceError TestFailed when that build was not clean; ObjectMissing when what it built is gone; SqlError
 */
export async function publishEnvironment(
  {
    warehouse,
    environment,
    signal,
  }: { warehouse: Warehouse; environment: Environment; signal?: AbortSignal },
  name: string,
  built: PreviousState,
): Promise<Publication> {
  const { command, flags } = environment.invocation;
  const options = { command, flags, reuse: false, ledger: false };
  const job: Job = { warehouse, environment, options, signal, results: [] };
  const parts = partsOf(environment, suffixOf(name), built);
  requireClean(name, built);
  const schemas = new Set(parts.map(({ node }) => schemaText(node.relation as RelationName)));
  await warehouse.transaction(
    async (session) => {
      for (const schema of schemas) await session.run(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
      for (const part of parts) await publishPart(job, session, part);
      for (const { from } of [...parts].reverse()) await drop(session, from);
    },
    { signal },
  );
  return { published: parts.map(({ node }) => node.id) };
}

/** `pr-12` gives `__pr_12` */
export function suffixOf(name: string): string {
  const clean = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
  if (clean !== '' && clean.length <= 40) return `__${clean}`;
  throw new MillraceError('ProjectInvalid', {
    what: `'${name}' is no name for an environment`,
    fix: 'Take letters, digits and hyphens, forty at most: --env pr-12',
  });
}

/** A node, and the environment's relation of it. */
interface Part {
  node: Node;
  from: RelationName;
}

function partsOf({ manifest, target }: Environment, suffix: string, built: PreviousState): Part[] {
  const entries = built.manifest.nodes;
  return topological(manifest).flatMap((node): Part[] => {
    const entry = entries[node.id];
    if (!node.relation || isEphemeral(node) || !['model', 'seed', 'snapshot'].includes(node.kind)) return [];
    if (!entry?.schema?.endsWith(suffix)) return [];
    const { database } = entry;
    const other = database && database !== target.database ? { database } : {};
    return [{ node, from: { ...other, schema: entry.schema, name: entry.alias ?? entry.name } }];
  });
}

function requireClean(name: string, built: PreviousState): void {
  const bad = built.results.results.filter(({ status }) =>
    ['error', 'fail', 'skipped', 'runtime error', 'partial success'].includes(status),
  );
  if (bad.length === 0) return;
  const shown = bad.slice(0, 5).map(({ unique_id: id, status }) => `${id} (${status})`);
  throw new MillraceError('TestFailed', {
    what: `The environment '${name}' is not clean: ${shown.join(', ')}${bad.length > 5 ? ', …' : ''}`,
    fix: `Correct it and build it again with --env ${name}, then publish it`,
  });
}

async function publishPart(job: Job, session: Session, { node, from }: Part): Promise<void> {
  const target = node.relation as RelationName;
  const [was, stands] = [await session.describe(from), await session.describe(target)];
  if (!was)
    throw new MillraceError('ObjectMissing', {
      what: `${node.id}: there is no ${quoteRelation(from)} to publish`,
      fix: 'Build the environment again, and do not drop its relations before it is published',
    });
  const there = stands?.type ?? null;
  const task = (compiled?: string): NodeTask => new NodeTask({ job, node, session, target, there, compiled });
  if (was.type === 'view' || was.type === 'materialized_view') {
    // its text names the environment: it is made anew from the model
    await make(task(), nodeHooks(node));
    return;
  }
  const source = relationObject(from, was.type, job.environment.target);
  const table = task(`select * from ${source.toString()}`);
  const copies = truthy(await table.call('can_clone_table'));
  await make(table, nodeHooks(node), async (making) => {
    if (!copies) return materializeTable(making);
    await making.run(await making.macro('create_or_replace_clone', [making.relation('table'), source]));
    return { type: 'table', rows: null };
  });
}

async function drop(session: Session, relation: RelationName): Promise<void> {
  const found = findNamed(await session.relations(relation), relation.name);
  if (!found) return;
  await session.drop(found);
  const left = await session.relations(relation);
  if (left.length === 0) await session.run(`DROP SCHEMA IF EXISTS ${schemaText(relation)}`);
}

const schemaText = ({ database, schema }: RelationName): string =>
  [...(database === undefined ? [] : [database]), schema].map(quoteIdent).join('.');

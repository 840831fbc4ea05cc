import { findNamed, type RelationName, type RelationType } from '../../warehouse/port.js';
import { truthy } from '../jinja/values.js';
import type { Node } from '../manifest.js';
import { catalogOf } from './catalog.js';
import { relationObject } from './compile.js';
import type { Job, Outcome } from './job.js';
import { nodeHooks, runHooks } from './make.js';
import { materializeView } from './materializations.js';
import { NodeTask } from './task.js';

const NOTHING: Outcome = { status: 'success', key: '', message: 'No-op' };

/**
 * `dbt clone`: puts a node's relation of another target in this one's place. A warehouse that copies tables without
 * their rows does so; elsewhere it becomes a view over the other relation. What is there already stays, unless
 * `--full-refresh` says otherwise.
 *
 * @throws MillraceError SqlError, JinjaError
 */
export async function cloneNode(job: Job, node: Node): Promise<Outcome> {
  const { warehouse, environment, options, signal } = job;
  const { relation } = node;
  const other = environment.deferred?.get(node.id);
  if (!relation || !other || isSame(relation, other)) return NOTHING;
  const catalog = catalogOf(environment, warehouse);
  const there = await typeOf(relation);
  if (there !== null && options.flags.fullRefresh !== true) return NOTHING;
  const from = await typeOf(other);
  await catalog.ensureSchema(relation);
  const source = relationObject(other, from, environment.target);
  const compiled = `select * from ${source.toString()}`;
  const hooks = nodeHooks(node);
  let told = {};
  const made = await warehouse.transaction(
    async (session) => {
      const task = new NodeTask({ job, node, session, target: relation, there, compiled });
      const copies = from === 'table' && truthy(await task.call('can_clone_table'));
      if (copies)
        await task.run(await task.macro('create_or_replace_clone', [task.relation('table'), source]));
      else {
        await runHooks(task, hooks.pre, true);
        await materializeView(task);
        await runHooks(task, hooks.post, true);
      }
      told = task.statements.told();
      return copies ? 'table' : 'view';
    },
    { signal },
  );
  await catalog.note(relation, made);
  return { status: 'success', key: '', compiled, ...told };

  async function typeOf(name: RelationName): Promise<RelationType | null> {
    return findNamed(await catalog.relations(name, warehouse), name.name)?.type ?? null;
  }

  function isSame(a: RelationName, b: RelationName): boolean {
    const { database } = environment.target;
    const text = (name: RelationName): string => `${name.database ?? database}.${name.schema}.${name.name}`;
    return text(a).toLowerCase() === text(b).toLowerCase();
  }
}

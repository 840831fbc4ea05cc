import { hasContract, materialization, type Node } from '../manifest.js';
import { str, truthy } from '../jinja/values.js';
import { hooksOf, type Hook } from './hooks.js';
import { builtIn } from './materializations.js';
import type { Made, Materialization, NodeTask } from './task.js';

export interface NodeHooks {
  pre: Hook[];
  post: Hook[];
}

export const nodeHooks = (node: Node): NodeHooks => ({
  pre: hooksOf(node, 'pre_hook'),
  post: hooksOf(node, 'post_hook'),
});

/** A view or table, and nothing beside it. */
export const isPlain = (node: Node, { pre, post }: NodeHooks): boolean =>
  (materialization(node) === 'view' || materialization(node) === 'table') &&
  pre.length + post.length === 0 &&
  !hasContract(node) &&
  !['indexes', 'grants', 'persist_docs'].some((setting) => wants(node, setting));

/** Doing it again would not come to the same: it adds to what is there, or has effects of its own. */
export const mayNotBeTwice = (node: Node): boolean => {
  if (node.kind === 'test' || node.kind === 'unit_test' || node.kind === 'seed') return false;
  const replaced = ['view', 'table', 'materialized_view'].includes(materialization(node));
  const { pre, post } = nodeHooks(node);
  return !replaced || pre.length + post.length > 0;
};

/** Runs those hooks of a node that belong to its transaction, or those that do not. */
export async function runHooks(task: NodeTask, hooks: readonly Hook[], transaction: boolean): Promise<void> {
  for (const hook of hooks) if (hook.transaction === transaction) await task.hook(hook.sql);
}

/** Makes a node's relation with all that belongs to it: hooks, indexes, grants and comments. One transaction. */
export async function make(
  task: NodeTask,
  hooks: NodeHooks,
  materialize: Materialization = builtIn(task.node),
): Promise<Made> {
  await runHooks(task, hooks.pre, true);
  const made = await materialize(task);
  await dress(task, made);
  await runHooks(task, hooks.post, true);
  return made;
}

async function dress(task: NodeTask, { type, continued = false }: Made): Promise<void> {
  const { node, target, there } = task;
  const relation = task.relation(type);
  // an index would stand in the way of the swap of an audited relation: it is made after it
  const live = target.name === node.relation?.name;
  if (live && !continued && wants(node, 'indexes')) await task.call('create_indexes', [relation]);
  const grants = node.config.get('grants') ?? null;
  if (wants(node, 'grants')) {
    const revoke = await task.call('should_revoke', [there === null ? null : relation], {
      full_refresh_mode: !continued,
    });
    await task.call('apply_grants', [relation, grants], {
      should_revoke: revoke === true || str(revoke).trim() === 'True',
    });
  }
  if (wants(node, 'persist_docs')) await task.call('persist_own_docs', [relation]);
}

export const wants = (node: Node, setting: string): boolean => truthy(node.config.get(setting) ?? null);

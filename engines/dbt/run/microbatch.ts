import { MillraceError } from '../../../schemas/errors.js';
import type { RelationName, Session } from '../../warehouse/port.js';
import { str } from '../jinja/values.js';
import { keyName, readLedger, recordPublished } from '../ledger.js';
import { materialization, type Node } from '../manifest.js';
import { batchesOf, eventTimes } from './batches.js';
import { catalogOf } from './catalog.js';
import { Compiler } from './compile.js';
import { explain } from './explain.js';
import type { Batch } from './filtered-relation.js';
import type { Job, Outcome } from './job.js';
import type { Hook } from './hooks.js';
import { make, nodeHooks, runHooks } from './make.js';
import { NodeTask, type Making } from './task.js';

export const isMicrobatch = (node: Node): boolean =>
  materialization(node) === 'incremental' &&
  str(node.config.get('incremental_strategy') ?? '') === 'microbatch';

/**
 * Builds a model part by part, each in a transaction of its own: what has succeeded stays when another part fails. The
 * first part makes the table where it must be made anew; when it fails the others are not tried. With a ledger a part is
 * built once in a run.
 *
 * @throws MillraceError of the first part that failed, when none has succeeded
 */
export async function buildBatches(job: Job, node: Node): Promise<Outcome> {
  const { warehouse, environment, options, signal } = job;
  const { run } = environment.run;
  const relation = node.relation as RelationName;
  const compiler = new Compiler(environment, warehouse, signal);
  const wanted = str(await compiler.call(node, 'should_full_refresh')).trim() === 'True';
  const live = async (session: Session) =>
    (await session.relations(relation)).find(({ name }) => name.toLowerCase() === relation.name.toLowerCase())
      ?.type ?? null;
  const begun = options.ledger ? await begunWith(job, relation) : null;
  const incremental = begun ? begun.incremental : (await live(warehouse)) === 'table' && !wanted;
  const batches = batchesOf(node, {
    times: eventTimes(environment.invocation.flags),
    now: new Date(environment.run.startedAt),
    from: options.ledger ? new Date(environment.run.interval.start) : null,
    incremental,
  });
  if (options.ledger && !begun) await begin(job, node, relation, incremental);
  const done = options.ledger ? await doneBatches(job, relation, batches) : new Map<string, number | null>();
  const { pre, post } = nodeHooks(node);

  const successful: Batch[] = [];
  const failed: Batch[] = [];
  let failure: unknown;
  let rows = 0;
  let compiled: string | undefined;
  for (const [index, batch] of batches.entries()) {
    const id = keyName(batchRelation(relation, batch));
    if (done.has(id)) {
      successful.push(batch);
      rows += done.get(id) ?? 0;
      continue;
    }
    if (index > 0 && failed.includes(batches[0] as Batch)) {
      failed.push(batch);
      continue;
    }
    const hooks = { pre: index === 0 ? pre : [], post: index === batches.length - 1 ? post : [] };
    const first = index === 0 && !incremental;
    const names: Making['names'] = first
      ? {}
      : { is_incremental: () => true, should_full_refresh: () => false };
    const outside = async (list: readonly Hook[]): Promise<void> => {
      if (list.every(({ transaction }) => transaction)) return;
      await warehouse.connection(
        (session) =>
          runHooks(
            new NodeTask({ job, node, session, target: relation, there: null, batch, names, compiled }),
            list,
            false,
          ),
        { signal },
      );
    };
    try {
      await outside(hooks.pre);
      const made = await warehouse.transaction(
        async (session) => {
          const there = await live(session);
          const task = new NodeTask({ job, node, session, target: relation, there, batch, names });
          compiled = await task.compile();
          const result = await make(task, hooks);
          if (options.ledger)
            await recordPublished(session, {
              ...{ relation: batchRelation(relation, batch), key: batch.id, node: node.id, run },
              rows: result.rows,
            });
          return result;
        },
        { signal },
      );
      successful.push(batch);
      rows += made.rows ?? 0;
      await outside(hooks.post);
    } catch (cause) {
      signal?.throwIfAborted();
      if (cause instanceof MillraceError && cause.retryable) throw cause;
      failure ??= explain(cause, node, 0);
      if (!successful.includes(batch)) failed.push(batch);
    }
  }
  catalogOf(environment, warehouse).forget();
  if (successful.length === 0 && failure !== undefined) throw failure as Error;
  const spans = (list: Batch[]): [string, string][] =>
    list.map(({ start, end }) => [start.toISOString(), end.toISOString()]);
  return {
    status: failed.length > 0 ? 'partial success' : 'success',
    ...{ key: '', rows, response: { _message: 'OK', rows_affected: rows } },
    batches: { successful: spans(successful), failed: spans(failed) },
    ...(compiled !== undefined && { compiled }),
    ...(failed.length > 0 && {
      message: `PARTIAL SUCCESS (${successful.length}/${batches.length}): ${failure instanceof Error ? failure.message : ''}`,
    }),
  };
}

/** the ledger's name of one part */
const batchRelation = ({ schema, name }: RelationName, { id }: Batch): RelationName => ({
  schema,
  name: `${name}#${id}`,
});

/** Whether the run adds to a table that was there is settled once: after its first part there is always one. */
const beginning = ({ schema, name }: RelationName): RelationName => ({ schema, name: `${name}#` });

async function begunWith(
  { warehouse, environment }: Job,
  relation: RelationName,
): Promise<{ incremental: boolean } | null> {
  const { run } = environment.run;
  const { published } = await readLedger(warehouse, [beginning(relation)], run);
  const entry = published.get(keyName(beginning(relation)));
  return entry?.run === run ? { incremental: entry.key === 'incremental' } : null;
}

const begin = (
  { warehouse, environment }: Job,
  node: Node,
  relation: RelationName,
  incremental: boolean,
): Promise<void> =>
  warehouse.transaction((session) =>
    recordPublished(session, {
      ...{ relation: beginning(relation), key: incremental ? 'incremental' : 'anew' },
      ...{ node: node.id, rows: null, run: environment.run.run },
    }),
  );

/** Parts that this run has built already. @returns their rows, by the ledger's id */
async function doneBatches(
  { warehouse, environment }: Job,
  relation: RelationName,
  batches: readonly Batch[],
): Promise<Map<string, number | null>> {
  const { run } = environment.run;
  const names = batches.map((batch) => batchRelation(relation, batch));
  const { published } = await readLedger(warehouse, names, run);
  return new Map([...published].flatMap(([id, entry]) => (entry.run === run ? [[id, entry.rows]] : [])));
}

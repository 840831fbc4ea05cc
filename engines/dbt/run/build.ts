import { MillraceError } from '../../../schemas/errors.js';
import { findNamed, type RelationName, type RelationType, type Session } from '../../warehouse/port.js';
import { str } from '../jinja/values.js';
import {
  dropStaleAudits,
  keyName,
  readLedger,
  recordAudit,
  recordPublished,
  type Published,
} from '../ledger.js';
import { materialization, type Node } from '../manifest.js';
import { readText, sha256 } from '../project/files.js';
import { buildStraight } from './build-straight.js';
import { compileFor, outcome, relationOf, typeOf, type NodeNames } from './built.js';
import { catalogOf } from './catalog.js';
import { Compiler, EphemeralFailed, relationObject } from './compile.js';
import { hasForeignKey } from './create.js';
import { customMacro, makeCustom } from './custom.js';
import { explain } from './explain.js';
import type { Job, Outcome } from './job.js';
import { contentKey, relationsRead } from './key.js';
import { make, nodeHooks, runHooks, wants } from './make.js';
import { buildBatches, isMicrobatch } from './microbatch.js';
import { NodeTask } from './task.js';

export const auditName = (relation: RelationName, key: string): string =>
  `${relation.name}__audit_${key.slice(0, 8)}`;

/**
 * Builds a model, seed or snapshot, in one transaction where it is not made of batches or by a materialization of the
 * project. With a ledger it is built by its content key: what is current is left alone, and what waits for its tests is
 * built beside the live relation.
 *
 * @throws MillraceError SqlError, JinjaError, DiskFull, CommitConflict, Unsupported
 */
export async function buildNode(job: Job, node: Node, audited: boolean): Promise<Outcome> {
  try {
    return job.options.ledger ? await buildByKey(job, node, audited) : await buildStraight(job, node);
  } catch (cause) {
    if (cause instanceof EphemeralFailed) return { status: 'skipped', key: '', message: cause.message };
    throw explain(cause, node, 0);
  }
}

/** Builds what the ledger does not know to be there, and notes it in the same transaction. */
async function buildByKey(job: Job, node: Node, wantsAudit: boolean): Promise<Outcome> {
  const {
    warehouse,
    environment,
    options: { reuse },
    signal,
  } = job;
  const relation = relationOf(node);
  const { run } = environment.run;
  const macro = customMacro(environment, node);
  // a table with a foreign key keeps the name it was made under, a file of its own the place: neither can be swapped in
  const inPlace = hasForeignKey(node) || ['external', 'table_function'].includes(materialization(node));
  const audited = wantsAudit && !macro && !isMicrobatch(node) && !inPlace;
  const content = await contentOf(job, node);
  const ledger = await readLedger(warehouse, [relation, ...relationsRead(environment, node)], run);
  const key = contentKey(environment, node, content, ledger);
  const goesOn = continues(node);
  const anew = goesOn && (await wantsFullRefresh(job, node));

  const current = ledger.published.get(keyName(relation));
  const waiting = audited ? ledger.audits.get(keyName(relation)) : undefined;
  const shown = node.kind === 'seed' ? '' : content;
  if (current && isDone(current) && (await typeOf(warehouse, relation)) !== null)
    return outcome(node, current.run === run ? 'success' : 'reused', current.key, current, shown);
  if (waiting?.key === key && (await typeOf(warehouse, { ...relation, name: waiting.name })) !== null)
    return outcome(node, 'success', key, waiting, shown);

  await catalogOf(environment, warehouse).ensureSchema(relation);
  const target = audited ? { ...relation, name: auditName(relation, key) } : relation;
  const entry = { relation, key, node: node.id, run };
  if (isMicrobatch(node)) {
    const built = await buildBatches(job, node);
    if (built.status === 'success')
      await warehouse.transaction((session) =>
        recordPublished(session, { ...entry, rows: built.rows ?? null }),
      );
    return { ...built, key };
  }
  // what goes on with former rows is rendered beside them
  const compiled = goesOn ? undefined : content;
  if (macro) {
    const made = await makeCustom(
      { job, node, target, compiled: compiled ?? (await compileFor(job, node)) },
      macro,
      (session, { rows }) => recordPublished(session, { ...entry, rows }),
    );
    return outcome(node, 'success', key, made, shown);
  }
  const hooks = nodeHooks(node);
  const around = (session: Session): NodeTask =>
    new NodeTask({ job, node, session, target: relation, there: null, compiled: content });
  if (hooks.pre.some(({ transaction }) => !transaction))
    await warehouse.connection((session) => runHooks(around(session), hooks.pre, false), { signal });
  let told = {};
  const made = await warehouse.transaction(
    async (session) => {
      if (audited) await dropStaleAudits(session, relation);
      const there = audited && goesOn && !anew ? await copyLive(session) : await typeOf(session, target);
      const task = new NodeTask({ job, node, session, target, there, compiled });
      const result = await make(task, hooks);
      told = task.statements.told();
      if (audited) await recordAudit(session, { ...entry, rows: result.rows }, target.name);
      else await recordPublished(session, { ...entry, rows: result.rows });
      return result;
    },
    { signal },
  );
  if (hooks.post.some(({ transaction }) => !transaction))
    await warehouse.connection((session) => runHooks(around(session), hooks.post, false), { signal });
  return { ...outcome(node, 'success', key, made, shown), ...told };

  /** Rows are added once in a run, whatever its retries render; other results are known by their content. */
  function isDone(known: Published): boolean {
    if (known.run === run && (goesOn || known.key === key)) return true;
    return known.key === key && reuse && !anew;
  }

  /** Puts a copy of the live table where the audited one is built. @returns what stands there then */
  async function copyLive(session: Session): Promise<RelationType | null> {
    const live = await typeOf(session, relation);
    if (live !== 'table') return typeOf(session, target);
    const args = [relation, target].map((each) => relationObject(each, 'table', environment.target));
    const sql = str(await new Compiler(environment, session, signal).call(node, 'copy_relation', args));
    await session.run(sql);
    return 'table';
  }
}

/**
 * Swaps in what {@link buildNode} has built for this run.
 *
 * @throws MillraceError CommitConflict when there is nothing to publish
 */
export async function publishNode(job: Job, node: Node): Promise<Outcome> {
  const { warehouse, environment, signal } = job;
  const relation = relationOf(node);
  const { run } = environment.run;
  return warehouse.transaction(
    async (session) => {
      const ledger = await readLedger(session, [relation], run);
      const current = ledger.published.get(keyName(relation));
      const waiting = ledger.audits.get(keyName(relation));
      const listed = await session.relations(relation);
      const live = findNamed(listed, relation.name)?.type ?? null;
      const audit = waiting && findNamed(listed, waiting.name)?.type;
      const record = { relation, node: node.id, run };
      if (waiting && audit) {
        await session.replace({ ...relation, name: waiting.name, type: audit }, relation, live);
        if (audit === 'table' && wants(node, 'indexes')) {
          const task = new NodeTask({ job, node, session, target: relation, there: audit });
          await task.call('create_indexes', [task.relation('table')]);
        }
        await recordPublished(session, { ...record, key: waiting.key, rows: waiting.rows });
        return outcome(node, 'success', waiting.key, waiting);
      }
      // a repetition, or another run has published the same content meanwhile
      if (current && live !== null && (current.run === run || current.key === waiting?.key)) {
        await recordPublished(session, { ...record, key: current.key, rows: current.rows });
        return outcome(node, 'success', current.key, current);
      }
      throw new MillraceError('CommitConflict', {
        what: `${node.id} has nothing to publish: the rows that this run built are gone`,
        fix: 'Build it again; do not drop relations named __audit_ while a run is going on',
      });
    },
    { signal },
  );
}

/** It adds to the rows it has. */
const continues = (node: Node): boolean =>
  node.kind === 'snapshot' || materialization(node) === 'incremental';

const wantsFullRefresh = async ({ warehouse, environment, signal }: Job, node: Node): Promise<boolean> => {
  const wanted = await new Compiler(environment, warehouse, signal).call(node, 'should_full_refresh');
  return wanted === true || str(wanted).trim() === 'True';
};

/** The text that stands for a node in its key: an incremental model's is the same in its first run and in later ones. */
async function contentOf(job: Job, node: Node): Promise<string> {
  if (node.kind === 'seed') return sha256(readText(node.absolute ?? ''));
  const names: NodeNames = materialization(node) === 'incremental' ? { is_incremental: () => true } : {};
  return compileFor(job, node, names);
}

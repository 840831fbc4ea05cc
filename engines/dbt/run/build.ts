import { MillraceError } from '../../../schemas/errors.js';
import type { RelationName, RelationType, Session } from '../../warehouse/port.js';
import { str } from '../jinja/values.js';
import {
  dropStaleAudits,
  keyName,
  readLedger,
  recordAudit,
  recordPublished,
  relationTypes,
  type Published,
} from '../ledger.js';
import { materialization, type Node } from '../manifest.js';
import { readText, sha256 } from '../project/files.js';
import { catalogOf, watched, type Catalog } from './catalog.js';
import { Compiler, EphemeralFailed, relationObject } from './compile.js';
import { hasForeignKey, rowsOf, singleStatement } from './create.js';
import { customMacro, makeCustom } from './custom.js';
import { explain } from './explain.js';
import type { Job, Outcome } from './job.js';
import { contentKey, relationsRead } from './key.js';
import { isPlain, make, nodeHooks, runHooks, wants } from './make.js';
import { buildBatches, isMicrobatch } from './microbatch.js';
import { failedWith, type Statements } from './statements.js';
import { NodeTask, type Made, type Making } from './task.js';

export { explain } from './explain.js';

export function relationOf(node: Node): RelationName {
  if (node.relation) return node.relation;
  throw new MillraceError('RefNotFound', {
    what: `${node.id} has no relation`,
    fix: 'Only models, seeds and snapshots are built',
  });
}

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

/** As dbt does: what is there is replaced or added to, and nothing is remembered. */
async function buildStraight(job: Job, node: Node): Promise<Outcome> {
  const { warehouse, environment, signal } = job;
  const relation = relationOf(node);
  const catalog = catalogOf(environment, warehouse);
  await catalog.ensureSchema(relation);
  if (isMicrobatch(node)) return buildBatches(job, node);
  const compiled = await compileFor(job, node);
  const compiledAt = new Date().toISOString();
  const given = { job, node, target: relation, compiled };
  const macro = customMacro(environment, node);
  let told = {};
  let made;
  try {
    made = macro ? await makeCustom(given, macro) : await makeStraight(given);
  } catch (cause) {
    throw failedWith(explain(cause, node, 0), { compiled });
  }
  return { ...outcome(node, 'success', '', made, compiled), ...told, compiledAt };

  async function makeStraight(making: Pick<Making, 'job' | 'node' | 'target' | 'compiled'>): Promise<Made> {
    const hooks = nodeHooks(node);
    const around = (session: Session): NodeTask => new NodeTask({ ...making, session, there: null });
    if (hooks.pre.some(({ transaction }) => !transaction))
      await warehouse.connection((session) => runHooks(around(session), hooks.pre, false), { signal });
    const known = warehouse.dialect === 'duckdb' ? catalog : null;
    const alone = isPlain(node, hooks) ? await makeAlone(making, known) : null;
    if (alone) {
      told = alone.told;
      return alone.made;
    }
    const { result, changed } = await warehouse.transaction(
      async (session) => {
        const asking = watched(session, known);
        const there = await typeOf(asking.session, relation);
        const task = new NodeTask({ ...making, session, there, asking: asking.session });
        const result = await make(task, hooks);
        told = task.statements.told();
        return { result, changed: asking.changed() };
      },
      { signal },
    );
    if (changed) catalog.forget();
    else await catalog.note(relation, result.type);
    if (hooks.post.some(({ transaction }) => !transaction)) {
      await warehouse.connection((session) => runHooks(around(session), hooks.post, false), { signal });
      catalog.forget();
    }
    return result;
  }
}

/** Makes a plain view or table by one statement, which is its own transaction. @returns null where that cannot be */
async function makeAlone(
  making: Pick<Making, 'job' | 'node' | 'target' | 'compiled'>,
  known: Catalog | null,
): Promise<{ made: Made; told: ReturnType<Statements['told']> } | null> {
  const { warehouse } = making.job;
  const asking = watched(warehouse, known);
  const there = await typeOf(asking.session, making.target);
  const task = new NodeTask({ ...making, session: warehouse, there, asking: asking.session });
  const statement = await singleStatement(task);
  if (!statement || asking.changed()) return null;
  try {
    const answer = await task.run(statement.sql);
    await known?.note(making.target, statement.type);
    const { type } = statement;
    return { made: { type, rows: type === 'table' ? rowsOf(answer) : null }, told: task.statements.told() };
  } catch (cause) {
    // a transaction tries again when another one was in its way
    if (cause instanceof MillraceError && cause.type === 'CommitConflict') return null;
    throw cause;
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
  // a table with a foreign key keeps the name it was made under: it cannot be swapped in
  const audited = wantsAudit && !macro && !isMicrobatch(node) && !hasForeignKey(node);
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
      const types = await relationTypes(session, relation.schema, [
        relation.name,
        ...(waiting ? [waiting.name] : []),
      ]);
      const live = types.get(relation.name.toLowerCase()) ?? null;
      const audit = waiting && types.get(waiting.name.toLowerCase());
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

function outcome(
  node: Node,
  status: Outcome['status'],
  key: string,
  { rows, response }: Pick<Made, 'rows' | 'response'>,
  compiled?: string,
): Outcome {
  return {
    ...{ status, key, rows },
    response: response ?? { _message: 'OK', ...(rows !== null && { rows_affected: rows }) },
    ...(compiled !== undefined && node.kind !== 'seed' && { compiled }),
  };
}

export const typeOf = async (
  session: Session,
  { database, schema, name }: RelationName,
): Promise<RelationType | null> => {
  const listed = await session.relations({ database, schema });
  return listed.find((each) => each.name.toLowerCase() === name.toLowerCase())?.type ?? null;
};

/** It adds to the rows it has. */
const continues = (node: Node): boolean =>
  node.kind === 'snapshot' || materialization(node) === 'incremental';

const wantsFullRefresh = async ({ warehouse, environment, signal }: Job, node: Node): Promise<boolean> => {
  const wanted = await new Compiler(environment, warehouse, signal).call(node, 'should_full_refresh');
  return wanted === true || str(wanted).trim() === 'True';
};

type NodeNames = NonNullable<Making['names']>;

/** The text that stands for a node in its key: an incremental model's is the same in its first run and in later ones. */
async function contentOf(job: Job, node: Node): Promise<string> {
  if (node.kind === 'seed') return sha256(readText(node.absolute ?? ''));
  const names: NodeNames = materialization(node) === 'incremental' ? { is_incremental: () => true } : {};
  return compileFor(job, node, names);
}

async function compileFor(
  { warehouse, environment, signal, options }: Job,
  node: Node,
  names: NodeNames = {},
): Promise<string> {
  if (node.kind === 'seed') return '';
  const catalog = options.ledger || warehouse.dialect !== 'duckdb' ? null : catalogOf(environment, warehouse);
  const asking = watched(warehouse, catalog);
  const query = await new Compiler(environment, asking.session, signal).compile(node, undefined, { names });
  if (asking.changed()) catalog?.forget();
  if (query === '')
    throw new MillraceError('SqlError', {
      what: `${node.id} has no SQL: its template gives an empty text`,
      where: { file: node.file, line: 1 },
      fix: 'Write a select, or disable the model',
    });
  return query;
}

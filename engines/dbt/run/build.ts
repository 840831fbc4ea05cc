import { MillraceError } from '../../../schemas/errors.js';
import { quoteIdent, type RelationName, type RelationType, type Session } from '../../warehouse/port.js';
import {
  dropStaleAudits,
  keyName,
  readLedger,
  recordAudit,
  recordPublished,
  relationTypes,
} from '../ledger.js';
import { materialization, type Node } from '../manifest.js';
import { readText, sha256 } from '../project/files.js';
import { Compiler } from './compile.js';
import type { Job, Outcome } from './job.js';
import { contentKey, relationsRead } from './key.js';
import { createRelation, swapIn } from './materialize.js';
import { seedQuery } from './seed.js';

const outcome = (
  node: Node,
  status: Outcome['status'],
  key: string,
  rows: number | null,
  compiled?: string,
): Outcome => ({ status, key, rows, ...(compiled !== undefined && node.kind !== 'seed' && { compiled }) });

export function relationOf(node: Node): RelationName {
  if (node.relation) return node.relation;
  throw new MillraceError('RefNotFound', {
    what: `${node.id} has no relation`,
    fix: 'Only models and seeds are built',
  });
}

export const auditName = (relation: RelationName, key: string): string =>
  `${relation.name}__audit_${key.slice(0, 8)}`;

/**
 * Builds a model or seed by its content key: what is current is left alone, what waits for its tests is built beside
 * the live relation, everything else replaces it at once. All of it is one transaction, so an error or a cancellation
 * leaves nothing behind.
 *
 * @throws MillraceError SqlError, JinjaError, DiskFull, CommitConflict
 */
export async function buildNode(
  { warehouse, environment, options: { reuse }, signal }: Job,
  node: Node,
  audited: boolean,
): Promise<Outcome> {
  const relation = relationOf(node);
  const { run } = environment.run;
  const { query, content } = await queryOf(node, new Compiler(environment, warehouse, signal));
  const ledger = await readLedger(warehouse, [relation, ...relationsRead(environment, node)], run);
  const key = contentKey(environment, node, content, ledger);
  const type: RelationType = node.kind === 'model' && materialization(node) === 'view' ? 'view' : 'table';

  const current = ledger.published.get(keyName(relation));
  const waiting = audited ? ledger.audits.get(keyName(relation)) : undefined;
  if (current?.key === key && (reuse || current.run === run) && (await exists(warehouse, relation)))
    return outcome(node, 'reused', key, current.rows, query);
  if (waiting?.key === key && (await exists(warehouse, { ...relation, name: waiting.name })))
    return outcome(node, 'success', key, waiting.rows, query);

  const made = audited ? { ...relation, name: auditName(relation, key) } : relation;
  const work = async (session: Session): Promise<number | null> => {
    await session.run(`CREATE SCHEMA IF NOT EXISTS ${quoteIdent(relation.schema)}`);
    if (audited) await dropStaleAudits(session, relation);
    const rows = await createRelation(session, made, type, query, await typeOf(session, made));
    const entry = { relation, key, node: node.id, rows, run };
    if (audited) await recordAudit(session, entry, made.name);
    else await recordPublished(session, entry);
    return rows;
  };
  try {
    return outcome(node, 'success', key, await warehouse.transaction(work, { signal }), query);
  } catch (cause) {
    throw explain(cause, node);
  }
}

/**
 * Swaps in what {@link buildNode} has built for this run.
 *
 * @throws MillraceError CommitConflict when there is nothing to publish
 */
export async function publishNode({ warehouse, environment, signal }: Job, node: Node): Promise<Outcome> {
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
        await swapIn(session, relation, live, { name: waiting.name, type: audit });
        await recordPublished(session, { ...record, key: waiting.key, rows: waiting.rows });
        return outcome(node, 'success', waiting.key, waiting.rows);
      }
      // a repetition, or another run has published the same content meanwhile
      if (current && live !== null && (current.run === run || current.key === waiting?.key)) {
        await recordPublished(session, { ...record, key: current.key, rows: current.rows });
        return outcome(node, 'success', current.key, current.rows);
      }
      throw new MillraceError('CommitConflict', {
        what: `${node.id} has nothing to publish: the rows that this run built are gone`,
        fix: 'Build it again; do not drop relations named __audit_ while a run is going on',
      });
    },
    { signal },
  );
}

const typeOf = async (session: Session, { schema, name }: RelationName): Promise<RelationType | null> =>
  (await relationTypes(session, schema, [name])).get(name.toLowerCase()) ?? null;
const exists = async (session: Session, relation: RelationName): Promise<boolean> =>
  (await typeOf(session, relation)) !== null;

/** What a node is made from: the query to run, and the text that stands for its content in the key. */
async function queryOf(node: Node, compiler: Compiler): Promise<{ query: string; content: string }> {
  if (node.kind === 'seed') return { query: seedQuery(node), content: sha256(readText(node.absolute ?? '')) };
  const query = await compiler.compile(node);
  if (query === '')
    throw new MillraceError('SqlError', {
      what: `${node.id} has no SQL: its template gives an empty text`,
      where: { file: node.file, line: 1 },
      fix: 'Write a select, or disable the model',
    });
  return { query, content: query };
}

/**
 * Gives a warehouse's error the node it belongs to.
 *
 * @param above lines of the statement before the compiled SQL: a model's stands inside a CREATE
 */
export function explain(cause: unknown, node: Node, above = 1): unknown {
  if (!(cause instanceof MillraceError) || cause.type !== 'SqlError') return cause;
  const inQuery = (line: number): number => Math.max(1, line - above);
  const { line } = cause.where;
  return new MillraceError('SqlError', {
    what: `${node.id}: ${cause.what.replace(/^LINE (\d+):/m, (_, at: string) => `LINE ${inQuery(Number(at))}:`)}`,
    where: {
      file: node.file,
      ...(line !== undefined && { path: `line ${inQuery(line)} of its compiled SQL` }),
    },
    fix: cause.fix ?? 'Correct it, then repeat the run with --from-failure: what is built is kept',
    cause,
  });
}

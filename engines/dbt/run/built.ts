import { MillraceError } from '../../../schemas/errors.js';
import { findNamed, type RelationName, type RelationType, type Session } from '../../warehouse/port.js';
import type { Node } from '../manifest.js';
import { catalogOf, watched } from './catalog.js';
import { Compiler } from './compile.js';
import type { Job, Outcome } from './job.js';
import type { Made, Making } from './task.js';

export function relationOf(node: Node): RelationName {
  if (node.relation) return node.relation;
  throw new MillraceError('RefNotFound', {
    what: `${node.id} has no relation`,
    fix: 'Only models, seeds and snapshots are built',
  });
}

export const typeOf = async (session: Session, relation: RelationName): Promise<RelationType | null> =>
  findNamed(await session.relations(relation), relation.name)?.type ?? null;

/** What building came to. */
export function outcome(
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

export type NodeNames = NonNullable<Making['names']>;

/** The SQL of a model or snapshot. @throws MillraceError SqlError when its template gives none */
export async function compileFor(
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

import {
  quoteIdent,
  quoteRelation,
  type RelationName,
  type RelationType,
  type Session,
} from '../../warehouse/port.js';

/**
 * Makes a relation from a query, in place of whatever is there; part of a transaction.
 *
 * @param former what stands under the name now
 * @returns rows of a table, null of a view
 */
export async function createRelation(
  session: Session,
  relation: RelationName,
  type: RelationType,
  query: string,
  former: RelationType | null,
): Promise<number | null> {
  const name = quoteRelation(relation);
  if (former !== null && former !== type) await session.run(`DROP ${former} ${name}`);
  // the query on lines of its own: it may end in a comment, and its errors count lines from 2
  const rows = await session.query(`CREATE OR REPLACE ${type} ${name} AS (\n${query}\n)`);
  const count = Object.values(rows[0] ?? {})[0];
  return type === 'table' && typeof count === 'number' ? count : null;
}

/** Puts an audit relation in the place of the live one; part of a transaction, so readers see the old or the new. */
export async function swapIn(
  session: Session,
  relation: RelationName,
  former: RelationType | null,
  audit: { name: string; type: RelationType },
): Promise<void> {
  if (former !== null) await session.run(`DROP ${former} ${quoteRelation(relation)}`);
  const from = quoteRelation({ schema: relation.schema, name: audit.name });
  await session.run(`ALTER ${audit.type} ${from} RENAME TO ${quoteIdent(relation.name)}`);
}

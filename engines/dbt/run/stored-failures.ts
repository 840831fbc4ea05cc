import { MillraceError } from '../../../schemas/errors.js';
import type { DbtFlags } from '../../../schemas/dbt.js';
import { findNamed, quoteIdent, stored, type RelationName } from '../../warehouse/port.js';
import { str, truthy } from '../jinja/values.js';
import type { Node } from '../manifest.js';
import { relationOf } from './built.js';
import { relationObject, type Compiler } from './compile.js';
import type { Job } from './job.js';

const KINDS = ['table', 'view'] as const;
type Stored = (typeof KINDS)[number];

/**
 * What a test's failures are kept as: `store_failures_as` counts before `store_failures`, and that before
 * `--store-failures`.
 *
 * @returns null where they are not kept
 */
export function storedAs(node: Node, flags: DbtFlags): Stored | null {
  const as = str(node.config.get('store_failures_as') ?? '').toLowerCase();
  if (as === 'ephemeral') return null;
  const kind = KINDS.find((each) => each === as);
  if (kind) return kind;
  if (as !== '')
    throw new MillraceError('DbtProjectInvalid', {
      what: `'${as}' is not a valid value for store_failures_as of ${node.id}`,
      where: node.test?.where ?? { file: node.file },
      fix: "Use 'table', 'view' or 'ephemeral'",
    });
  const stored = node.config.get('store_failures') ?? null;
  return (stored === null ? flags.storeFailures === true : truthy(stored)) ? 'table' : null;
}

/** Keeps the rows a test finds, in place of those it found before. @returns where */
export async function storeFailures(
  { warehouse, environment, signal }: Job,
  compiler: Compiler,
  node: Node,
  sql: string,
  as: Stored,
): Promise<RelationName> {
  const relation = relationOfTest(node, environment.target.database);
  const made = relationObject(relation, as, environment.target);
  const macro = as === 'view' ? 'get_create_view_as_sql' : 'get_create_table_as_sql';
  const create = str(await compiler.call(node, macro, as === 'view' ? [made, sql] : [false, made, sql]));
  await warehouse.transaction(
    async (session) => {
      const { database, schema } = relation;
      const inside = [...(database === undefined ? [] : [database]), schema]
        .map((part) => quoteIdent(stored(warehouse.dialect, part)))
        .join('.');
      await session.run(`create schema if not exists ${inside}`);
      const there = findNamed(await session.relations(relation), relation.name);
      if (there) await session.drop(there);
      await session.run(create);
    },
    { signal },
  );
  return relation;
}

/** a test that is only told to keep its failures on the command line has a name, but no relation of its own yet */
function relationOfTest(node: Node, database: string): RelationName {
  const { names } = node;
  if (node.relation || !names) return relationOf(node);
  const elsewhere = names.database === database ? {} : { database: names.database };
  return { ...elsewhere, schema: names.schema, name: names.alias };
}

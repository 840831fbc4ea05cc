import { MillraceError } from '../../../../schemas/errors.js';
import { choose } from '../../../dbt/choose.js';
import { DBT_EXIT } from '../../../dbt/exit.js';
import { inlineNode } from '../../../dbt/inline.js';
import type { Invocation } from '../../../dbt/invocation.js';
import { previewTable } from '../../../dbt/log/preview.js';
import { withProject, type Opened } from '../../../dbt/open.js';
import { text } from '../../../dbt/settings.js';

const ROWS = 5;

/** `show`: the first rows of models or of a query, as a table or as JSON. */
export function show(invocation: Invocation): Promise<number> {
  const { settings, log } = invocation;
  return withProject(invocation, { command: 'show', planned: false }, async (opened) => {
    const limit = settings.flags.limit ?? ROWS;
    for (const { id, name, sql } of await queries(invocation, opened)) {
      const inline = id === undefined;
      const { columns, rows } = await opened.warehouse.execute(limited(sql, limit));
      if (text(settings.given, 'output') === 'json')
        log.answer(JSON.stringify({ ...(!inline && { node: name }), show: rows }, null, 2));
      else {
        const head = inline ? 'Previewing inline node:' : `Previewing node '${name}':`;
        log.answer(`${head}\n${previewTable({ columns, rows })}\n`);
      }
    }
    return DBT_EXIT.ok;
  });
}

interface Query {
  id?: string;
  name: string;
  sql: string;
}

async function queries(invocation: Invocation, { transform, environment }: Opened): Promise<Query[]> {
  const { settings } = invocation;
  const direct = text(settings.given, 'inline_direct');
  if (direct !== undefined) return [{ name: 'inline', sql: direct }];
  const { inline } = settings.flags;
  if (inline !== undefined)
    return [{ name: 'inline', sql: await transform.compile(inlineNode(environment, inline).id) }];
  if (settings.flags.select === undefined && settings.flags.selector === undefined)
    throw new MillraceError('ProjectInvalid', {
      what: 'show does not know what to show',
      fix: "Name a node by --select, or a query by --inline 'select ...'",
    });
  const ids = choose(invocation, environment, 'show');
  const found: Query[] = [];
  for (const id of ids) {
    const node = environment.manifest.nodes.get(id);
    if (node?.kind === 'seed' && node.relation)
      found.push({
        id,
        name: node.name,
        sql: await transform.compile(inlineNode(environment, `select * from {{ ref('${node.name}') }}`).id),
      });
    else if (node && node.kind !== 'unit_test')
      found.push({ id, name: node.name, sql: await transform.compile(id) });
  }
  return found;
}

/** A query that ends in a limit of its own cannot take another. */
function limited(sql: string, limit: number): string {
  const bare = sql.trim().replace(/;+\s*$/, '');
  if (limit < 0) return bare;
  return /\b(limit|offset|fetch)\b[^()]*$/i.test(bare)
    ? `select * from (\n${bare}\n) as shown\nlimit ${limit}`
    : `${bare}\nlimit ${limit}`;
}

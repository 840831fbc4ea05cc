import { MillraceError } from '../../../schemas/errors.js';
import { str } from '../jinja/values.js';
import type { Node } from '../manifest.js';
import { relationName } from './nodes.js';
import type { Parsing } from './parsing.js';

/**
 * Checks a test's settings, and gives it a relation when it keeps the rows it finds: `store_failures_as` says as what,
 * and wins over `store_failures`.
 *
 * @throws MillraceError DbtProjectInvalid
 */
export function finishTest(parsing: Parsing, node: Node): void {
  const { config } = node;
  const severity = str(config.get('severity') ?? 'ERROR');
  if (!/^(warn|error)$/i.test(severity))
    throw new MillraceError('DbtProjectInvalid', {
      what: `${node.id}: severity is '${severity}'`,
      where: node.test?.where ?? { file: node.file, line: 1 },
      fix: 'Write warn or error',
    });
  const kept = config.get('store_failures') ?? null;
  const as = config.get('store_failures_as') ?? null;
  if (as !== null) config.set('store_failures', as !== 'ephemeral');
  else if (kept !== null) config.set('store_failures_as', kept === true ? 'table' : 'ephemeral');
  parsing.namer.name(node);
  const stored = config.get('store_failures') ?? parsing.environment.invocation.flags.storeFailures ?? false;
  if (stored === true) node.relation = relationName(parsing, node);
}

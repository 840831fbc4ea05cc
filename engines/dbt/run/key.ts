import type { Session } from '../../warehouse/port.js';
import type { Environment } from '../context/environment.js';
import { isEphemeral } from '../graph.js';
import { keyName, publishedKeys } from '../ledger.js';
import type { Node } from '../manifest.js';
import { sha256 } from '../project/files.js';
import { plainConfig } from './compile.js';

/** settings that change what a node is, beside its SQL */
const RELEVANT = ['materialized', 'severity', 'warn_if', 'error_if', 'fail_calc', 'limit', 'where', 'column_types', 'delimiter'];

/**
 * What a node's result depends on, as a hash: its SQL, its settings, and the content of everything it reads. What
 * cannot be known (a relation that Millrace did not make) counts as new in every run.
 *
 * @param known keys that count instead of the published ones, by node id
 */
export async function contentKey(
  environment: Environment,
  session: Session,
  node: Node,
  content: string,
  known: ReadonlyMap<string, string> = new Map(),
): Promise<string> {
  const { manifest, sources, run } = environment;
  const unknown = `run:${run.run}`;
  const inputs: [string, string][] = [];
  const read = new Map<string, Node>();
  const visit = (ids: readonly string[]): void => {
    for (const id of ids) {
      const source = manifest.sources.get(id);
      if (source) inputs.push([id, sources[`${source.source}.${source.name}`]?.key ?? unknown]);
      const parent = manifest.nodes.get(id);
      if (!parent) continue;
      if (isEphemeral(parent)) visit(parent.dependsOn);
      else read.set(id, parent);
    }
  };
  visit(node.dependsOn);
  const relations = [...read.values()].flatMap(({ relation }) => relation ?? []);
  const published = await publishedKeys(session, relations);
  for (const [id, { relation }] of read)
    inputs.push([id, known.get(id) ?? (relation && published.get(keyName(relation))) ?? unknown]);
  inputs.sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(JSON.stringify([content, plainConfig(node.config, RELEVANT), inputs]));
}

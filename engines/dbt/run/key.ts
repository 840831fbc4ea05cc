import type { RelationName } from '../../warehouse/port.js';
import type { Environment } from '../context/environment.js';
import { isEphemeral } from '../graph.js';
import { keyName, type LedgerState } from '../ledger.js';
import type { Node } from '../manifest.js';
import { sha256 } from '../project/files.js';
import { plainConfig } from './compile.js';

/** settings that change what a node is, beside its SQL */
const RELEVANT = [
  'materialized',
  'severity',
  'warn_if',
  'error_if',
  'fail_calc',
  'limit',
  'where',
  'column_types',
  'delimiter',
  'contract',
  'indexes',
  'grants',
  'persist_docs',
  'pre_hook',
  'post_hook',
  'sql_header',
  'unique_key',
  'incremental_strategy',
  'location',
  'format',
  'options',
  'parameters',
];

/** What a node reads: ids of sources, and nodes that have a relation; ephemeral models are looked through. */
function inputsOf({ manifest }: Environment, node: Node): { sources: string[]; nodes: Node[] } {
  const sources = new Set<string>();
  const nodes = new Set<Node>();
  const visit = (ids: readonly string[]): void => {
    for (const id of ids) {
      if (manifest.sources.has(id)) sources.add(id);
      const parent = manifest.nodes.get(id);
      if (!parent) continue;
      if (isEphemeral(parent)) visit(parent.dependsOn);
      else nodes.add(parent);
    }
  };
  visit(node.dependsOn);
  return { sources: [...sources], nodes: [...nodes] };
}

/** Relations whose content a node's key depends on: what must be read from the ledger for {@link contentKey}. */
export const relationsRead = (environment: Environment, node: Node): RelationName[] =>
  inputsOf(environment, node).nodes.flatMap(({ relation }) => relation ?? []);

/**
 * What a node's result depends on, as a hash: its SQL, its settings, and the content of everything it reads. What
 * cannot be known (a relation that Millrace did not make) counts as new in every run.
 *
 * @param known keys that count instead of the published ones, by node id
 */
export function contentKey(
  environment: Environment,
  node: Node,
  content: string,
  { published }: LedgerState,
  known: ReadonlyMap<string, string> = new Map(),
): string {
  const { manifest, run } = environment;
  const unknown = `run:${run.run}`;
  const { sources, nodes } = inputsOf(environment, node);
  const inputs = [
    ...sources.map((id): [string, string] => {
      const table = manifest.sources.get(id);
      return [id, environment.sources[`${table?.source}.${table?.name}`]?.key ?? unknown];
    }),
    ...nodes.map(({ id, relation }): [string, string] => [
      id,
      known.get(id) ?? (relation && published.get(keyName(relation))?.key) ?? unknown,
    ]),
  ].sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(JSON.stringify([content, plainConfig(node.config, RELEVANT), inputs]));
}

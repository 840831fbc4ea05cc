import { fromPlain, str, type Value } from '../jinja/values.js';
import type { Node } from '../manifest.js';
import type { Package } from '../project/package.js';
import { mergeConfig } from './config.js';
import { makeNode } from './nodes.js';
import type { Parsing } from './parsing.js';
import { templateOf } from './templates.js';

/** The hooks of a whole run, of every package: each is a node of its own. @throws MillraceError JinjaError */
export function readRunHooks(parsing: Parsing, owner: Package): void {
  for (const on of ['start', 'end'] as const)
    owner.yaml[`on-run-${on}`].forEach((hook, index) => {
      const sql = typeof hook === 'string' ? hook : str(fromPlain(hook['sql'] ?? ''));
      const name = `${owner.name}-on-run-${on}-${index}`;
      const file = `${owner.prefix}dbt_project.yml`;
      const node: Node = makeNode(
        parsing,
        {
          ...{ kind: 'operation', name, package: owner.name, file, language: 'sql', raw: sql },
          path: `hooks/${name}.sql`,
          fqn: [owner.name, 'hooks', name],
          template: templateOf(sql, file),
          hook: { on, index },
        },
        undefined,
      );
      const tags: [Value, Value][] = [['tags', [`on-run-${on}`]]];
      mergeConfig(node.config, tags);
      parsing.manifest.nodes.set(node.id, node);
    });
}

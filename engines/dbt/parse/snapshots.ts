import { renderParts } from '../jinja/render.js';
import { readText } from '../project/files.js';
import type { Package } from '../project/package.js';
import type { DescribedNodes } from './described.js';
import { makeNode } from './nodes.js';
import type { Parsing } from './parsing.js';
import { readNode } from './read-node.js';
import { requiredReference } from './static-call.js';
import { templateOf } from './templates.js';

/** Snapshots in blocks of SQL files. @throws MillraceError JinjaError, DuplicateNode */
export function readSnapshotBlocks(parsing: Parsing, described: DescribedNodes, owner: Package): void {
  for (const { path, absolute, file, stem, folders } of parsing.files.in(
    owner,
    owner.yaml['snapshot-paths'],
    '.sql',
  )) {
    const text = readText(absolute);
    for (const statement of templateOf(text, file).body) {
      if (statement.kind !== 'snapshot') continue;
      const { name, body } = statement;
      const node = makeNode(
        parsing,
        {
          ...{ kind: 'snapshot', name, package: owner.name, file, path, language: 'sql' },
          fqn: [owner.name, ...folders, stem, name],
          raw: blockText(text, name),
          template: { file, body },
        },
        described.take('snapshot', owner.name, name),
      );
      parsing.put(node);
    }
  }
}

function blockText(text: string, name: string): string {
  const block = new RegExp(
    String.raw`\{%[-+]?\s*snapshot\s+${name}\s*[-+]?%\}(.*?)\{%[-+]?\s*endsnapshot\s*[-+]?%\}`,
    's',
  );
  return block.exec(text)?.[1] ?? '';
}

/** Snapshots that property files declare by the `relation` they read. @throws MillraceError DbtProjectInvalid */
export function readYamlSnapshots(parsing: Parsing, described: DescribedNodes, owner: Package): void {
  for (const { value, yaml, path, package: from, below, folders } of parsing.properties.snapshots) {
    if (from !== owner || !value.relation) continue;
    const { name, relation } = value;
    const where = yaml.at([...path, 'relation']);
    const reference = requiredReference(relation, `The relation of snapshot '${name}'`, where);
    const raw = `select * from {{ ${relation} }}`;
    const template = templateOf(raw, yaml.file);
    const node = makeNode(
      parsing,
      {
        ...{ kind: 'snapshot', name, package: owner.name, file: yaml.file, language: 'sql', raw, template },
        path: `${below}/${name}.sql`,
        fqn: [owner.name, ...folders, name],
        render: (made) => ({
          ...readNode(parsing.environment, made, (context) => renderParts(template, context.root())),
          references: [reference],
        }),
      },
      described.take('snapshot', owner.name, name),
    );
    parsing.put(node);
  }
}

import type { Field, FieldType, Group, LayoutNode } from './layout.js';
import type { CopybookSettings } from './settings.js';

/** `non_terminals`: a group is also given as one text, `<GROUP>_NT`, right after it. */
export function addNonTerminals(
  root: Group,
  settings: Pick<CopybookSettings, 'nonTerminals' | 'encoding'>,
): void {
  if (settings.nonTerminals.length === 0) return;
  const wanted = new Set(settings.nonTerminals);
  const visit = (group: Group): void => {
    const names = new Set(group.children.map(({ name }) => name));
    group.children = group.children.flatMap((node): LayoutNode[] => {
      if (node.kind === 'field') return [node];
      visit(node);
      if (!wanted.has(node.name)) return [node];
      let name = `${node.name}_NT`;
      for (let count = 1; names.has(name); count++) name = `${node.name}_NT${count}`;
      const { level, file, line, column, offset, size, redefined } = node;
      const text: Field = {
        ...{ kind: 'field', name, level, file, line, column, offset, length: size, size, redefined },
        ...{ redefines: node.name, filler: false, dependee: false, picture: `X(${size})` },
        type: { kind: 'text', encoding: settings.encoding },
      };
      node.redefined = true;
      return [node, text];
    });
  };
  visit(root);
}

const DEBUG: Record<'hex' | 'raw' | 'string', FieldType> = {
  hex: { kind: 'hex' },
  raw: { kind: 'bytes' },
  string: { kind: 'verbatim' },
};

/** `debug`: after each elementary field its raw bytes, `<FIELD>_debug`. */
export function addDebugFields(root: Group, kind: CopybookSettings['debug']): void {
  if (kind === 'none') return;
  const visit = (group: Group): void => {
    group.children = group.children.flatMap((node): LayoutNode[] => {
      if (node.kind === 'group') {
        visit(node);
        return [node];
      }
      const twin: Field = {
        ...node,
        name: `${node.name}_debug`,
        type: DEBUG[kind],
        redefines: node.name,
        dependee: false,
      };
      node.redefined = true;
      return [node, twin];
    });
  };
  visit(root);
}

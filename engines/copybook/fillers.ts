import { MillraceError } from '../../schemas/errors.js';
import type { Group, LayoutNode } from './layout.js';
import type { CopybookSettings } from './settings.js';

type Policy = Pick<CopybookSettings, 'drop_group_fillers' | 'drop_value_fillers' | 'filler_naming_policy'>;

/**
 * Gives the FILLERs that are kept a name of their own: `FILLER_1` for groups, `FILLER_P1` for fields, or
 * `FILLER_AFTER_<field>`. A group of nothing but FILLERs is one; a group of nothing at all goes.
 */
export function nameFillers(root: Group, policy: Policy): Group {
  let groups = 0;
  let values = 0;
  const named = (kind: 'group' | 'field', after: string): string => {
    if (policy.filler_naming_policy === 'previous_field_name') return `FILLER_AFTER_${after}`;
    return kind === 'group' ? `FILLER_${++groups}` : `FILLER_P${++values}`;
  };
  /** @returns whether something in it is no FILLER */
  const visit = (group: Group): boolean => {
    let after = group.name;
    let substance = false;
    const kept: LayoutNode[] = [];
    for (const node of group.children) {
      if (node.kind === 'group') {
        if (!visit(node)) node.filler = true;
        else if (node.filler && !policy.drop_group_fillers) {
          node.name = named('group', after);
          node.filler = false;
        }
        if (node.children.length > 0) kept.push(node);
      } else {
        if (node.filler && !policy.drop_value_fillers) {
          node.name = named('field', after);
          node.filler = false;
        }
        kept.push(node);
      }
      after = node.name;
      if (!node.filler) substance = true;
    }
    group.children = kept;
    return substance;
  };
  if (!visit(root) && root.children.length > 0) {
    const { file, line, column } = root.children[0] as LayoutNode;
    throw new MillraceError('CopybookInvalid', {
      what: 'The copybook has nothing but FILLERs',
      where: { file, line, column },
      fix: 'Give its fields names, or set drop_value_fillers to false',
    });
  }
  return root;
}

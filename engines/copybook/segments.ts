import { didYouMean } from '../nearest.js';
import { nodes, type Group } from './layout.js';
import { optionInvalid, type CopybookSettings } from './settings.js';

const same = (one: string, other: string): boolean => one.toUpperCase() === other.toUpperCase();

/** Marks the groups that only records of certain segments have, and whose children they are. */
export function markSegments(root: Group, { segmentGroups, segmentParents }: CopybookSettings): void {
  if (segmentGroups.size === 0) return;
  const groups = [...nodes(root)].filter((node): node is Group => node.kind === 'group');
  const find = (option: string, name: string): Group => {
    const group = groups.find((other) => same(other.name, name));
    if (!group)
      throw optionInvalid(
        option,
        `the copybook has no group ${name}`,
        didYouMean(
          name,
          groups.map((other) => other.name),
        ) || 'Name a group of the copybook',
      );
    return group;
  };
  for (const [id, name] of segmentGroups) {
    const group = find('redefine-segment-id-map', name);
    group.segmentIds = [...(group.segmentIds ?? []), id];
  }
  const several = new Set(segmentGroups.values()).size > 1;
  for (const group of groups) {
    if (several && group.segmentIds && !group.redefined && group.redefines === undefined) {
      throw optionInvalid(
        'redefine-segment-id-map',
        `${group.name} shares its place with no other group`,
        'Segments are groups that redefine each other',
      );
    }
  }
  for (const [child, parent] of segmentParents) {
    const [childGroup, parentGroup] = [find('segment-children', child), find('segment-children', parent)];
    for (const group of [childGroup, parentGroup]) {
      if (!group.segmentIds)
        throw optionInvalid(
          'segment-children',
          `${group.name} has no segment id`,
          `Give it one: 'redefine-segment-id-map:1': '${group.name} => id'`,
        );
    }
    childGroup.parentSegment = parentGroup.name;
  }
}

/** Whether records are put together from segments of several. */
export const isHierarchical = (root: Group): boolean =>
  [...nodes(root)].some((node) => node.kind === 'group' && node.parentSegment !== undefined);

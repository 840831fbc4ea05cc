import { MillraceError } from '../../schemas/errors.js';
import { didYouMean } from '../nearest.js';
import { fieldType, isField, type Charsets } from './field-type.js';
import { addDebugFields, addNonTerminals } from './extra-fields.js';
import { nameFillers } from './fillers.js';
import { fields, nodes, type Field, type Group, type Layout, type LayoutNode } from './layout.js';
import { recordName, type Entry, type Usage } from './parse/entries.js';
import { copybookInvalid } from './parse/tokens.js';
import { markSegments } from './segments.js';
import { optionInvalid, type CopybookSettings } from './settings.js';

/**
 * Builds the tree of a record. Several copybooks describe the same bytes: the records of the others redefine the
 * first one's.
 * @throws MillraceError CopybookInvalid for a copybook that makes no record, ProjectInvalid for an option that names a
 *   field that is not there
 */
export function layOut(copybooks: Entry[][], settings: CopybookSettings): Layout {
  const charsets: Charsets = {
    encoding: settings.encoding,
    utf16: settings.is_utf16_big_endian ? 'utf16be' : 'utf16le',
  };
  const roots = copybooks.map((entries) => nameFillers(tree(entries, charsets), settings));
  const root = merge(roots);
  place(root, 0);
  const headerLength = leaveOut(root, 'record_header_name', settings.record_header_name);
  const trailerLength = leaveOut(root, 'record_trailer_name', settings.record_trailer_name);
  if (headerLength + trailerLength > 0) place(root, 0);
  addNonTerminals(root, settings);
  const variable = markDependees(root, settings.occurs_mappings ?? {});
  markSegments(root, settings);
  markRules(root, settings.redefineRules);
  setCodePages(root, settings.fieldCodePages);
  addDebugFields(root, settings.debug);
  return {
    root,
    flat: root.children.some(({ kind }) => kind === 'field'),
    recordLength: root.length,
    variable,
    headerLength,
    trailerLength,
  };
}

const newGroup = (children: LayoutNode[]): Group => ({
  ...{ kind: 'group', name: '', level: 0, file: '', line: 1, column: 1, offset: 0, length: 0, size: 0 },
  ...{ redefined: false, filler: false, children },
});

/** SYNCHRONIZED needs a multiple of this; kept beside the tree, since only placing needs it. */
const alignments = new WeakMap<LayoutNode, number>();

/** Nests the entries of one copybook by their levels. */
function tree(entries: Entry[], charsets: Charsets): Group {
  const root = newGroup([]);
  const open: { level: number; group: Group; usage?: Usage | undefined; children?: number }[] = [
    { level: 0, group: root },
  ];
  for (const entry of entries) {
    if (entry.level === 66) continue;
    const level = entry.level === 77 ? 1 : entry.level;
    while ((open.at(-1)?.level ?? 0) >= level) open.pop();
    const parent = open.at(-1);
    if (!parent) continue;
    if (parent.children !== undefined && parent.children < level) {
      const last = parent.group.children.at(-1);
      throw copybookInvalid(
        entry,
        `${entry.name} (level ${entry.level}) stands below ${last?.name} (level ${last?.level}), which is a field and has no parts`,
        `Expected level ${parent.children}, or no PIC on ${last?.name}`,
      );
    }
    parent.children = level;
    const { name, file, line, column, occurs, redefines } = entry;
    const common = {
      ...{ name, level: entry.level, file, line, column, offset: 0, length: 0, size: 0, redefined: false },
      ...{ filler: name.toUpperCase() === 'FILLER' },
      ...(occurs && { occurs }),
      ...(redefines !== undefined && { redefines }),
    };
    let node: LayoutNode;
    if (isField(entry)) {
      const { type, length, alignment } = fieldType(entry, parent.usage, charsets);
      node = { ...common, kind: 'field', type, length, picture: entry.pictureText, dependee: false };
      if (entry.synchronized) alignments.set(node, alignment);
    } else {
      node = { ...common, kind: 'group', children: [] };
      open.push({ level, group: node, usage: entry.usage ?? parent.usage });
    }
    parent.group.children.push(node);
  }
  checkParts(root);
  checkRenames(entries, root);
  return root;
}

/** Taken for a group of nothing, a field whose PIC was forgotten would shift all that come after it. */
function checkParts(root: Group): void {
  for (const node of nodes(root)) {
    if (node.kind === 'group' && node.children.length === 0)
      throw copybookInvalid(
        node,
        `${node.name} (level ${node.level}) has neither a PIC nor fields below it`,
        'Expected a PIC such as PIC X(10), or fields with a higher level after it',
      );
  }
}

function checkRenames(entries: Entry[], root: Group): void {
  for (const entry of entries) {
    for (const name of entry.renames ?? []) {
      const names = [...nodes(root)].map((node) => node.name);
      if (!names.some((other) => other.toUpperCase() === name.toUpperCase())) {
        throw copybookInvalid(
          entry,
          `${entry.name} renames ${name}, which is not there`,
          didYouMean(name, names) || 'Name a field that stands before it',
        );
      }
    }
  }
}

function merge(roots: Group[]): Group {
  const [first, ...others] = roots;
  const head = first?.children[0];
  if (!first || !head)
    throw new MillraceError('CopybookInvalid', {
      what: 'The copybook describes no field',
      fix: 'Expected entries such as 01 RECORD. 05 NAME PIC X(10).',
    });
  if (others.length === 0) return first;
  const all = roots.flatMap(({ children }) => children);
  const names = new Set<string>();
  for (const node of all) {
    if (node.level !== head.level)
      throw copybookInvalid(
        node,
        `${node.name} has level ${node.level}, ${head.name} has ${head.level}: copybooks of one file begin at one level`,
        `Expected level ${head.level}`,
      );
    if (names.has(node.name))
      throw copybookInvalid(node, `Two copybooks describe a record '${node.name}'`, 'Rename one of the two');
    names.add(node.name);
    if (node !== head) node.redefines = head.name;
  }
  return newGroup(all);
}

/** Headers and trailers of the file are described in the copybook, and are no part of its records. @returns its bytes */
function leaveOut(root: Group, option: string, name: string | undefined): number {
  if (name === undefined) return 0;
  const wanted = recordName(name).toUpperCase();
  const at = root.children.findIndex((node) => node.name.toUpperCase() === wanted);
  const node = root.children[at];
  if (node?.kind !== 'group') {
    throw optionInvalid(
      option,
      `no root group is called '${name}'`,
      didYouMean(
        name,
        root.children.map((child) => child.name),
      ) || 'Name a group of level 01',
    );
  }
  const follower = root.children[at + 1];
  if (follower?.redefines !== undefined && follower.redefines.toUpperCase() === wanted)
    delete follower.redefines;
  root.children.splice(at, 1);
  return node.length;
}

/** Sets offsets and sizes. @returns the strictest alignment inside */
export function place(group: Group, base: number): number {
  let at = base;
  let strictest = 1;
  let block: LayoutNode[] = [];
  for (const [index, child] of group.children.entries()) {
    const align = alignments.get(child) ?? 1;
    if (child.redefines === undefined) {
      at = Math.ceil((at + (block[0]?.size ?? 0)) / align) * align;
      block = [];
    } else {
      const name = child.redefines.toUpperCase();
      if (index === 0)
        throw copybookInvalid(
          child,
          `${child.name} comes first in its group and redefines ${child.redefines}`,
          'Expected REDEFINES after the field that it names',
        );
      if (!block.some((other) => other.name.toUpperCase() === name)) {
        throw copybookInvalid(
          child,
          `${child.name} redefines ${child.redefines}, which does not stand right before it on its level`,
          `Expected REDEFINES ${block[0]?.name}`,
        );
      }
      (block.at(-1) as LayoutNode).redefined = true;
    }
    child.offset = at;
    strictest = Math.max(strictest, align, child.kind === 'group' ? placeGroup(child) : 1);
    child.size = child.length * (child.occurs?.max ?? 1);
    block.push(child);
    const size = Math.max(...block.map((other) => other.size));
    for (const other of block) other.size = size;
  }
  group.length = at + (block[0]?.size ?? 0) - base;
  group.size = group.length;
  return strictest;
}

function placeGroup(group: Group): number {
  const strictest = place(group, group.offset);
  // each element of an array begins as its first one does
  if (group.occurs) group.length = Math.ceil(group.length / strictest) * strictest;
  return strictest;
}

/** @returns whether some array depends on a field */
function markDependees(root: Group, mappings: Record<string, Record<string, number>>): boolean {
  const seen: Field[] = [];
  const byName = new Map(
    Object.entries(mappings).map(([name, mapping]) => [recordName(name).toUpperCase(), mapping]),
  );
  let variable = false;
  const visit = (group: Group): void => {
    for (const node of group.children) {
      const { occurs } = node;
      if (occurs?.dependingOn !== undefined) {
        variable = true;
        const wanted = occurs.dependingOn.toUpperCase();
        const dependee = seen.find(({ name }) => name.toUpperCase() === wanted);
        if (!dependee) {
          throw copybookInvalid(
            node,
            `${node.name} depends on ${occurs.dependingOn}, which does not stand before it`,
            didYouMean(
              occurs.dependingOn,
              seen.map(({ name }) => name),
            ) || 'Name a field that stands before the array',
          );
        }
        const mapping = byName.get(node.name.toUpperCase());
        if (mapping) occurs.mapping = mapping;
        const { type } = dependee;
        if (!mapping && !(type.kind === 'number' && type.scale === 0)) {
          throw copybookInvalid(
            node,
            `${node.name} depends on ${dependee.name}, which is no whole number`,
            'Give occurs_mappings for it, or name a field such as PIC 9(2)',
          );
        }
        dependee.dependee = true;
        occurs.dependingOn = dependee.name;
      }
      if (node.kind === 'group') visit(node);
      else seen.push(node);
    }
  };
  visit(root);
  return variable;
}

function markRules(root: Group, rules: Map<string, string>): void {
  for (const [name, rule] of rules) {
    const targets = [...nodes(root)].filter((node) => node.name.toUpperCase() === name.toUpperCase());
    if (targets.length === 0)
      throw optionInvalid(
        'redefine-rule',
        `the copybook has no field ${name}`,
        didYouMean(
          name,
          [...nodes(root)].map((node) => node.name),
        ) || 'Name a group of the copybook',
      );
    for (const target of targets) target.rule = rule;
  }
}

function setCodePages(root: Group, pages: Map<string, string>): void {
  if (pages.size === 0) return;
  for (const field of fields(root)) {
    const codePage = pages.get(field.name.toLowerCase());
    if (codePage !== undefined && field.type.kind === 'text') field.type = { ...field.type, codePage };
  }
}

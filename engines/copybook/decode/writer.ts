import { compileExpression, type Expression } from '../expression.js';
import { fields, nodes, type Field, type Group, type Layout, type LayoutNode } from '../layout.js';
import type { CopybookSettings } from '../settings.js';
import type { FieldCode } from './field-code.js';

/** name in the record, and the expression of its value */
type Member = [string, string];

/** Expressions and variables of one node: its first byte, its value, the bytes it takes, its segment's number. */
interface Place {
  at: string;
  value: string;
  size: string;
  segment: string;
}

/** Fields from which on a record is an object of a class. */
const MANY = 100;

/**
 * Writes the functions of a layout's records and groups. In their code `b` holds the bytes, `o` is where the group
 * begins, `end` is behind the last byte, `s` is the state of the record.
 */
export class Writer {
  readonly functions: string[] = [];
  readonly rules: { text: string; expression: Expression }[] = [];
  private readonly names = new Map<Group, string>();
  private readonly dependees: string[];
  private readonly segmentGroups: Group[];
  /** variables of all rules, in the order of `state.rules` */
  private readonly ruleFields: Field[] = [];
  private readonly ruleIndex = new Map<LayoutNode, number>();

  private classes = 0;

  constructor(
    private readonly layout: Layout,
    private readonly code: FieldCode,
    private readonly options: { dynamic: boolean; hierarchical: boolean },
  ) {
    const all = [...fields(layout.root)];
    this.dependees = all.filter(({ dependee }) => dependee).map(({ name }) => name);
    this.segmentGroups = [...nodes(layout.root)].filter(
      (node): node is Group => node.kind === 'group' && node.segmentIds !== undefined,
    );
    const byName = new Map(all.map((field) => [field.name.toUpperCase(), field]));
    for (const node of nodes(layout.root)) {
      if (node.rule === undefined) continue;
      const expression = compileExpression(
        'redefine-rule',
        node.rule,
        (name) => byName.get(name.toUpperCase())?.name,
        () => all.map(({ name }) => name),
      );
      // each rule gets its own values, one after the other
      this.ruleIndex.set(node, this.rules.length);
      this.rules.push({ text: node.rule, expression });
      for (const name of expression.variables) {
        const field = byName.get(name.toUpperCase());
        if (field && !this.ruleFields.includes(field)) this.ruleFields.push(field);
      }
    }
  }

  private nameOf(group: Group): string {
    const known = this.names.get(group);
    if (known !== undefined) return known;
    const name = `g${this.names.size}`;
    this.names.set(group, name);
    return name;
  }

  prepare(): string[] {
    if (this.options.dynamic) return [];
    return this.ruleFields.map(
      (field, index) => `s.rules[${index}] = ${this.code.value(field, `o + ${field.offset}`)};`,
    );
  }

  /**
   * Writes the function of whole records.
   * @returns its name
   */
  record(
    { schema_retention_policy: policy, binary_as_hex: hex }: CopybookSettings,
    name: string,
    front: string[],
    corrupt: boolean,
  ): string {
    const { dynamic } = this.options;
    const { root, flat } = this.layout;
    const lines: string[] = dynamic ? ['let p = o;', 'let r = o;'] : [];
    const members: Member[] = front.map((column, index) => [column, `f[${index}]`]);
    const groups = flat ? [root] : root.children.filter((node): node is Group => node.kind === 'group');
    for (const [index, group] of groups.entries()) {
      // segments of a hierarchy are read below their parents
      if (group.parentSegment !== undefined && this.options.hierarchical) continue;
      if (group.filler && !dynamic && !this.matters(group)) continue;
      const at = dynamic ? 'r' : `o + ${group.offset}`;
      if (flat || (policy === 'collapse_root' && !group.filler)) {
        if (dynamic) lines.push('p = r;');
        members.push(...this.members(group, dynamic ? 'o' : at, `r${index}_`, lines, '0'));
      } else {
        this.ensure(group);
        lines.push(`const r${index} = ${this.nameOf(group)}(b, ${at}, end, s, 0, parents);`);
        if (dynamic) lines.push('p = s.at;');
        if (!group.filler) members.push([group.name, `r${index}`]);
      }
      if (dynamic && !group.redefined) lines.push('r = p;');
    }
    if (dynamic) lines.push('s.at = r;');
    if (corrupt) members.push(['_corrupt_fields', `corruptRows(s, ${hex})`]);
    this.functions.push(
      `const ${name} = (b, o, end, s, parents, f) => {\n${lines.join('\n')}\nreturn ${this.object(members)};\n};`,
    );
    return name;
  }

  /** Writes the function of a group and of the groups inside. */
  private group(group: Group): void {
    const lines: string[] = this.options.dynamic ? ['let p = o;'] : [];
    const members = this.members(group, 'o', '', lines, 'i');
    if (this.options.dynamic) lines.push('s.at = p;');
    this.functions.push(
      `const ${this.nameOf(group)} = (b, o, end, s, i, parents) => {\n${lines.join('\n')}\nreturn ${this.object(members)};\n};`,
    );
  }

  /** An object literal of many fields is a hash table in V8, which is slow to make; an object of a class is not. */
  private object(members: Member[]): string {
    if (members.length < MANY) {
      return `{ ${members.map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(', ')} }`;
    }
    const name = `R${this.classes++}`;
    const values = members.map((_, index) => `v${index}`);
    const set = members.map(([field], index) => `this[${JSON.stringify(field)}] = v${index};`);
    this.functions.push(
      `function ${name}(${values.join(', ')}) {\n${set.join('\n')}\n}`,
      `${name}.prototype = Object.prototype;`,
    );
    return `new ${name}(${members.map(([, value]) => value).join(', ')})`;
  }

  /**
   * Writes the code that reads what is in a group.
   * @param o expression of its first byte
   * @param prefix of the variables
   * @param segment expression of the number of the segment it is read from
   */
  private members(group: Group, o: string, prefix: string, lines: string[], segment: string): Member[] {
    const { dynamic, hierarchical } = this.options;
    const members: Member[] = [];
    let blockEnd = group.offset;
    let blockStart = group.offset;
    for (const [index, node] of group.children.entries()) {
      if (node.redefines === undefined) {
        const slack = node.offset - blockEnd;
        if (dynamic && slack > 0) lines.push(`p += ${slack};`);
        blockStart = node.offset;
        blockEnd = blockStart + node.size;
      }
      const at = dynamic ? 'p' : `${o} + ${node.offset - group.offset}`;
      const child = node.kind === 'group' && node.parentSegment !== undefined && hierarchical;
      const silent = node.filler || child;
      const value = `${prefix}v${index}`;
      const size = `${prefix}n${index}`;
      if (dynamic) lines.push(`let ${size} = ${node.size};`);
      if (child) {
        // its records come later
      } else if (node.occurs) this.array(node, { at, value, size, segment }, lines);
      else this.single(node, { at, value, size, segment }, lines, silent);
      if (!silent) members.push([node.name, value]);
      if (dynamic && !node.redefined)
        lines.push(node.redefines !== undefined && !node.occurs ? `p += ${node.size};` : `p += ${size};`);
    }
    if (hierarchical && group.segmentIds) {
      for (const child of this.segmentGroups.filter(({ parentSegment }) => parentSegment === group.name)) {
        this.ensure(child);
        const value = `${prefix}c${members.length}`;
        lines.push(
          `const ${value} = children(${this.nameOf(child)}, ${JSON.stringify(child.name.toUpperCase())}, ${child.offset}, s, ${segment} + 1, parents);`,
        );
        members.push([child.name, value]);
      }
    }
    return members;
  }

  private readonly written = new Set<Group>();

  private ensure(group: Group): void {
    if (this.written.has(group)) return;
    this.written.add(group);
    this.group(group);
  }

  private single(
    node: LayoutNode,
    { at, value, size, segment }: Place,
    lines: string[],
    silent: boolean,
  ): void {
    const { dynamic, hierarchical } = this.options;
    const condition = this.condition(node, hierarchical);
    if (node.kind === 'group') {
      // nothing of a FILLER group is wanted, but where it ends may depend on what is in it
      if (silent && !dynamic && !this.matters(node)) return;
      this.ensure(node);
      const call = `${this.nameOf(node)}(b, ${at}, end, s, ${segment}, parents)`;
      const read = dynamic ? `${value} = ${call}; ${size} = s.at - p;` : `${value} = ${call};`;
      lines.push(`let ${value} = null;`, condition === undefined ? read : `if (${condition}) { ${read} }`);
      return;
    }
    const needed = node.dependee || this.ruleFields.includes(node);
    if (silent && !needed) return;
    const read = this.code.value(node, at, silent ? undefined : node.name);
    lines.push(
      condition === undefined
        ? `const ${value} = ${read};`
        : `const ${value} = ${condition} ? ${read} : null;`,
    );
    if (node.dependee)
      lines.push(`if (${value} !== null) s.counts[${this.dependees.indexOf(node.name)}] = ${value};`);
    const rule = this.ruleFields.indexOf(node);
    if (rule >= 0 && dynamic) lines.push(`s.rules[${rule}] = ${value};`);
  }

  private array(node: LayoutNode, { at, value, size, segment }: Place, lines: string[]): void {
    const { dynamic, hierarchical } = this.options;
    const { min, max, dependingOn, mapping } = node.occurs ?? { min: 1, max: 1 };
    const wanted =
      dependingOn === undefined
        ? String(max)
        : `count(s.counts[${this.dependees.indexOf(dependingOn)}], ${min}, ${max}, ${mapping ? JSON.stringify(mapping) : 'undefined'})`;
    if (node.filler && !dynamic && !(node.kind === 'group' && this.matters(node))) return;
    const element = this.element(node, segment);
    const condition = this.condition(node, hierarchical);
    const loop = [
      `const m = ${wanted};`,
      `${value} = new Array(m);`,
      `let q = ${at};`,
      `for (let j = 0; j < m; j++) { ${value}[j] = ${element}; q ${dynamic && node.kind === 'group' ? '= s.at' : `+= ${node.length}`}; }`,
      ...(dynamic ? [`${size} = q - p;`] : []),
    ].join(' ');
    lines.push(
      `let ${value} = null;`,
      condition === undefined ? `{ ${loop} }` : `if (${condition}) { ${loop} }`,
    );
  }

  private element(node: LayoutNode, segment: string): string {
    if (node.kind === 'field') return node.filler ? 'null' : this.code.value(node, 'q', node.name, 'j');
    this.ensure(node);
    return `${this.nameOf(node)}(b, q, end, s, ${segment}, parents)`;
  }

  /** When a group or field is read at all. */
  private condition(node: LayoutNode, hierarchical: boolean): string | undefined {
    const conditions: string[] = [];
    if (node.kind === 'group' && node.segmentIds && !hierarchical)
      conditions.push(`s.segment === ${JSON.stringify(node.name.toUpperCase())}`);
    const index = this.ruleIndex.get(node);
    const rule = index === undefined ? undefined : this.rules[index];
    if (rule) {
      const values = rule.expression.variables.map(
        (name) => `s.rules[${this.ruleFields.findIndex((field) => field.name === name)}] ?? null`,
      );
      conditions.push(`rules[${index}]([${values.join(', ')}]) === true`);
    }
    return conditions.length > 0 ? conditions.join(' && ') : undefined;
  }

  /** Something in the group decides how others are read. */
  private matters(group: Group): boolean {
    return [...fields(group)].some((field) => field.dependee || this.ruleFields.includes(field));
  }
}

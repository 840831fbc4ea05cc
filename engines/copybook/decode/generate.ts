import { compileExpression, type Expression } from '../expression.js';
import { fields, nodes, type Field, type Group, type Layout, type LayoutNode } from '../layout.js';
import { runGenerated } from '../run-generated.js';
import type { CopybookSettings } from '../settings.js';
import { FieldCode } from './field-code.js';
import { RUNTIME, type DecodeState, type FieldValue, type GroupDecoder } from './runtime.js';

export interface GeneratedDecoder {
  /** root groups in order; a flat copybook has one, the unnamed root */
  roots: { group: Group; read: GroupDecoder }[];
  /** sets the values of fields that rules read, where these have fixed places */
  prepare: (b: Uint8Array, offset: number, end: number, state: DecodeState) => void;
  /** reads one field by its place in a record with all arrays at their greatest */
  reader: (field: Field) => (b: Uint8Array, start: number) => FieldValue;
  /** the code itself, to be looked at */
  source: string;
}

/**
 * Writes and compiles the JavaScript that decodes one record: a function for each group, straight code for its fields,
 * a loop for each array. Nothing of the layout is looked at while records are read.
 * @param dynamic arrays take only the space of their elements, so that what follows has no fixed place
 */
export function generateDecoder(
  layout: Layout,
  settings: CopybookSettings,
  options: { dynamic: boolean; hierarchical: boolean },
): GeneratedDecoder {
  const code = new FieldCode(settings);
  const writer = new Writer(layout, code, options);
  const roots = layout.flat
    ? [layout.root]
    : layout.root.children.filter((node): node is Group => node.kind === 'group');
  for (const group of roots) writer.group(group);
  const prepare = writer.prepare();
  const source = [
    "'use strict';",
    ...writer.functions,
    `const prepare = (b, o, end, s) => {\n${prepare.join('\n')}\n};`,
    `return { prepare, roots: [${roots.map((group) => writer.nameOf(group)).join(', ')}] };`,
  ].join('\n');
  const compiled = run(source, {
    ...code.constants(),
    rules: writer.rules.map(({ expression }) => expression.evaluate),
  }) as {
    prepare: GeneratedDecoder['prepare'];
    roots: GroupDecoder[];
  };
  return {
    roots: roots.map((group, index) => ({ group, read: compiled.roots[index] as GroupDecoder })),
    prepare: compiled.prepare,
    reader: (field) => {
      const own = new FieldCode(settings);
      const value = own.value(field, `o + ${field.offset}`);
      const read = run(`'use strict';\nreturn (b, o, end) => ${value};`, own.constants()) as (
        b: Uint8Array,
        o: number,
        end: number,
      ) => FieldValue;
      // a short record has as much of the field as there is, also of a number
      return (b, start) => read(b, start, Math.min(b.length, start + field.offset + field.size));
    },
    source,
  };
}

const run = (source: string, constants: Record<string, unknown>): unknown =>
  runGenerated(source, { ...RUNTIME, ...constants });

class Writer {
  readonly functions: string[] = [];
  readonly rules: { text: string; expression: Expression }[] = [];
  private readonly names = new Map<Group, string>();
  private readonly dependees: string[];
  private readonly segmentGroups: Group[];
  /** variables of all rules, in the order of `state.rules` */
  private readonly ruleFields: Field[] = [];
  private readonly ruleIndex = new Map<LayoutNode, number>();

  constructor(
    layout: Layout,
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

  nameOf(group: Group): string {
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

  /** Writes the function of a group and of the groups inside. */
  group(group: Group): void {
    const { dynamic, hierarchical } = this.options;
    const lines: string[] = dynamic ? ['let p = o;'] : [];
    const members: string[] = [];
    let blockEnd = group.offset;
    let blockStart = group.offset;
    for (const [index, node] of group.children.entries()) {
      if (node.redefines === undefined) {
        const slack = node.offset - blockEnd;
        if (dynamic && slack > 0) lines.push(`p += ${slack};`);
        blockStart = node.offset;
        blockEnd = blockStart + node.size;
      }
      const at = dynamic ? 'p' : `o + ${node.offset - group.offset}`;
      const child = node.kind === 'group' && node.parentSegment !== undefined && hierarchical;
      const silent = node.filler || child;
      const value = `v${index}`;
      if (dynamic) lines.push(`let n${index} = ${node.size};`);
      if (child) {
        // its records come later
      } else if (node.occurs) this.array(node, at, value, `n${index}`, lines);
      else this.single(node, at, value, `n${index}`, lines, silent);
      if (!silent) members.push(`${JSON.stringify(node.name)}: ${value}`);
      if (dynamic && !node.redefined)
        lines.push(node.redefines !== undefined && !node.occurs ? `p += ${node.size};` : `p += n${index};`);
    }
    if (hierarchical && group.segmentIds) {
      for (const child of this.segmentGroups.filter(({ parentSegment }) => parentSegment === group.name)) {
        this.ensure(child);
        const call = `children(${this.nameOf(child)}, ${JSON.stringify(child.name.toUpperCase())}, ${child.offset}, s, i + 1, parents)`;
        lines.push(`const c${members.length} = ${call};`);
        members.push(`${JSON.stringify(child.name)}: c${members.length}`);
      }
    }
    if (dynamic) lines.push('s.at = p;');
    this.functions.push(
      `const ${this.nameOf(group)} = (b, o, end, s, i, parents) => {\n${lines.join('\n')}\nreturn { ${members.join(', ')} };\n};`,
    );
  }

  private readonly written = new Set<Group>();

  private ensure(group: Group): void {
    if (this.written.has(group)) return;
    this.written.add(group);
    this.group(group);
  }

  private single(
    node: LayoutNode,
    at: string,
    value: string,
    size: string,
    lines: string[],
    silent: boolean,
  ): void {
    const { dynamic, hierarchical } = this.options;
    const condition = this.condition(node, hierarchical);
    if (node.kind === 'group') {
      // nothing of a FILLER group is wanted, but where it ends may depend on what is in it
      if (silent && !dynamic && !this.matters(node)) return;
      this.ensure(node);
      const call = `${this.nameOf(node)}(b, ${at}, end, s, i, parents)`;
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

  private array(node: LayoutNode, at: string, value: string, size: string, lines: string[]): void {
    const { dynamic, hierarchical } = this.options;
    const { min, max, dependingOn, mapping } = node.occurs ?? { min: 1, max: 1 };
    const wanted =
      dependingOn === undefined
        ? String(max)
        : `count(s.counts[${this.dependees.indexOf(dependingOn)}], ${min}, ${max}, ${mapping ? JSON.stringify(mapping) : 'undefined'})`;
    if (node.filler && !dynamic && !(node.kind === 'group' && this.matters(node))) return;
    const element = this.element(node);
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

  private element(node: LayoutNode): string {
    if (node.kind === 'field') return node.filler ? 'null' : this.code.value(node, 'q', node.name, 'j');
    this.ensure(node);
    return `${this.nameOf(node)}(b, q, end, s, i, parents)`;
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

// What the code says about its own options: the `/** … */` before each member of a declared object.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** @typedef {Map<string, { text: string, group: string, value: ts.Expression | undefined }>} Members */

/** Calls that declare by their arguments: alternatives by their list, containers by the last one. All others declare by what stands before the dot. */
const OBJECT = /^z\.(object|strictObject|looseObject)$/;
const UNION = /^z\.(union|discriminatedUnion)$/;
const CONTAINER = /^z\.(array|record)$/;

/** Declarations (`const Name = …`) of all TypeScript files of a folder. */
export class Declarations {
  /** @type {Map<string, { value: ts.Expression, text: string }>} */
  #constants = new Map();

  /** @param {string} folder @param {string[]} [files] */
  constructor(folder, files = readdirSync(folder).filter((file) => file.endsWith('.ts'))) {
    for (const file of files) {
      const text = readFileSync(join(folder, file), 'utf8');
      const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
      for (const statement of source.statements.filter(ts.isVariableStatement)) {
        for (const { name, initializer } of statement.declarationList.declarations)
          if (initializer)
            this.#constants.set(name.getText(), { value: initializer, text: docComment(statement) });
      }
    }
  }

  /** Members of a declared object, in order. @param {string} name @returns {Members} */
  members(name) {
    const found = this.#constants.get(name);
    const [members] = found ? this.objectsOf(found.value) : [];
    if (!members) throw new Error(`no constant that declares an object is called ${name}`);
    return members;
  }

  /**
   * The objects that an expression declares, itself or by a name: several for a union, in its order; of lists and
   * records those that they hold.
   * @param {ts.Node | undefined} node @returns {Members[]}
   */
  objectsOf(node) {
    if (!node) return [];
    if (ts.isObjectLiteralExpression(node)) return [this.#membersOf(node)];
    if (ts.isIdentifier(node)) return this.objectsOf(this.#constants.get(node.text)?.value);
    if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node)) return this.objectsOf(node.expression);
    if (ts.isPropertyAccessExpression(node)) return this.objectsOf(this.#property(node));
    if (!ts.isCallExpression(node)) return [];
    const called = node.expression.getText().replaceAll(/\s/g, '');
    if (OBJECT.test(called)) return this.objectsOf(node.arguments[0]);
    if (CONTAINER.test(called)) return this.objectsOf(node.arguments.at(-1));
    const choices = node.arguments.find(ts.isArrayLiteralExpression);
    if (UNION.test(called) && choices) return choices.elements.flatMap((element) => this.objectsOf(element));
    // of `Lake.default({ … })` the part before the dot declares, and the argument only fills in
    return ts.isPropertyAccessExpression(node.expression) ? this.objectsOf(node.expression.expression) : [];
  }

  /** What the declaration says that an expression names, itself or with a default. @param {ts.Node} node */
  #about(node) {
    if (ts.isIdentifier(node)) return this.#constants.get(node.text)?.text ?? '';
    return ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)
      ? this.#about(node.expression.expression)
      : '';
  }

  /** `Name.shape.member` as it was declared. @param {ts.PropertyAccessExpression} node */
  #property({ expression, name }) {
    if (!ts.isPropertyAccessExpression(expression) || expression.name.text !== 'shape') return undefined;
    const [members] = this.objectsOf(expression.expression);
    return members?.get(name.text)?.value;
  }

  /** @param {ts.ObjectLiteralExpression} literal @returns {Members} */
  #membersOf(literal) {
    /** @type {Members} */
    const members = new Map();
    let group = '';
    for (const property of literal.properties) {
      if (ts.isSpreadAssignment(property)) {
        for (const spread of this.objectsOf(property.expression))
          for (const [name, member] of spread) members.set(name, member);
        continue;
      }
      const key = property.name?.getText();
      if (!key) continue;
      group = lineComment(property) ?? group;
      if (ts.isPropertyAssignment(property))
        members.set(key, {
          text: docComment(property) || this.#about(property.initializer),
          group,
          value: property.initializer,
        });
      if (ts.isShorthandPropertyAssignment(property)) {
        const { value, text = '' } = this.#constants.get(key) ?? {};
        members.set(key, { text: docComment(property) || text, group, value });
      }
    }
    return members;
  }
}

/** @param {ts.Node} node */
function docComment(node) {
  return ts
    .getJSDocCommentsAndTags(node)
    .map((doc) => ts.getTextOfJSDocComment(doc.comment) ?? '')
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim();
}

/** The `// …` above a member, which begins a group. @param {ts.Node} node */
function lineComment(node) {
  const above = node.getFullText().slice(0, node.getStart(undefined, false) - node.getFullStart());
  return /^\s*\/\/ (.+)$/m.exec(above)?.[1];
}

// What the code says about its own options: the `/** … */` before each member of a declared object.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** @typedef {Map<string, { text: string, group: string, value: ts.Expression | undefined }>} Members */

/** Declarations (`const Name = …`) of all TypeScript files of a folder. */
export class Declarations {
  /** @type {Map<string, ts.Expression>} */
  #constants = new Map();

  /** @param {string} folder @param {string[]} [files] */
  constructor(folder, files = readdirSync(folder).filter((file) => file.endsWith('.ts'))) {
    for (const file of files) {
      const text = readFileSync(join(folder, file), 'utf8');
      const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
      for (const statement of source.statements.filter(ts.isVariableStatement)) {
        for (const { name, initializer } of statement.declarationList.declarations)
          if (initializer) this.#constants.set(name.getText(), initializer);
      }
    }
  }

  /** Members of a declared object, in order. @param {string} name @returns {Members} */
  members(name) {
    const found = this.#constants.get(name);
    if (!found) throw new Error(`no constant is called ${name}`);
    return this.membersOf(found);
  }

  /** Members of the first object that an expression declares, itself or by a name. @param {ts.Expression} expression */
  membersOf(expression) {
    const literal = this.#literal(expression, 0);
    /** @type {Members} */
    const members = new Map();
    let group = '';
    for (const property of literal?.properties ?? []) {
      const key = property.name?.getText();
      if (!key || !ts.isPropertyAssignment(property)) continue;
      group = lineComment(property) ?? group;
      members.set(key, { text: docComment(property), group, value: property.initializer });
    }
    return members;
  }

  /** @param {ts.Node} node @param {number} depth @returns {ts.ObjectLiteralExpression | undefined} */
  #literal(node, depth) {
    if (ts.isObjectLiteralExpression(node)) return node;
    if (ts.isIdentifier(node)) {
      const target = depth < 8 ? this.#constants.get(node.text) : undefined;
      return target && this.#literal(target, depth + 1);
    }
    // of `Lake.default({ … })` the part before the dot declares, and the argument only fills in
    const parts = ts.isCallExpression(node)
      ? [node.expression, ...(/\.(default|meta)$/.test(node.expression.getText()) ? [] : node.arguments)]
      : ts.isPropertyAccessExpression(node)
        ? [node.expression]
        : node.getChildren();
    for (const part of parts) {
      const found = this.#literal(part, depth);
      if (found) return found;
    }
    return undefined;
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

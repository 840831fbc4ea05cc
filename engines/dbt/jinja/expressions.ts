import type { Argument, BinaryOperator, CompareOperator, Expression, Site } from './ast.js';
import { JinjaFault } from './fault.js';
import type { Token, TokenKind } from './lexer.js';
import { integer } from './values.js';

const CONSTANTS: Record<string, boolean | null> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};
const COMPARE = new Set(['==', '!=', '<', '<=', '>', '>=']);

/** The expression half of the grammar, in Jinja's order of precedence, over a list of tokens. */
export class ExpressionParser {
  protected index = 0;

  constructor(protected readonly tokens: Token[]) {}

  protected get current(): Token {
    return this.tokens[this.index] as Token;
  }

  protected next(): Token {
    return this.tokens[this.index++] as Token;
  }

  protected is(kind: TokenKind, value?: string): boolean {
    return this.current.kind === kind && (value === undefined || this.current.value === value);
  }

  protected accept(kind: TokenKind, value?: string): boolean {
    if (!this.is(kind, value)) return false;
    this.index++;
    return true;
  }

  protected expect(kind: TokenKind, value?: string): Token {
    if (this.is(kind, value)) return this.next();
    throw this.unexpected(value !== undefined ? `'${value}'` : DESCRIBED[kind]);
  }

  protected unexpected(wanted?: string): JinjaFault {
    const { kind, value, site } = this.current;
    const found = kind === 'end' ? 'the end of the template' : kind === 'text' ? 'text' : `'${value}'`;
    return new JinjaFault(`Found ${found}${wanted === undefined ? '' : `, expected ${wanted}`}`, site);
  }

  expression(): Expression {
    const { site } = this.current;
    let result = this.or();
    while (this.accept('name', 'if')) {
      const test = this.or();
      const otherwise = this.accept('name', 'else') ? this.expression() : null;
      result = { kind: 'conditional', test, then: result, otherwise, site };
    }
    return result;
  }

  /** `a, b` without brackets is a tuple, where the grammar allows one */
  tupleOrExpression(stop: (token: Token) => boolean = () => false): Expression {
    const { site } = this.current;
    const first = this.expression();
    if (!this.is('operator', ',')) return first;
    const items = [first];
    while (this.accept('operator', ',')) {
      if (this.is('blockEnd') || this.is('variableEnd') || stop(this.current)) break;
      items.push(this.expression());
    }
    return { kind: 'tuple', items, site };
  }

  /** an expression that leaves a following `if` alone */
  protected withoutConditional(): Expression {
    return this.or();
  }

  private or(): Expression {
    let left = this.and();
    for (let { site } = this.current; this.accept('name', 'or'); { site } = this.current)
      left = { kind: 'logic', operator: 'or', left, right: this.and(), site };
    return left;
  }

  private and(): Expression {
    let left = this.not();
    for (let { site } = this.current; this.accept('name', 'and'); { site } = this.current)
      left = { kind: 'logic', operator: 'and', left, right: this.not(), site };
    return left;
  }

  private not(): Expression {
    const { site } = this.current;
    if (this.accept('name', 'not')) return { kind: 'unary', operator: 'not', operand: this.not(), site };
    return this.compare();
  }

  private compare(): Expression {
    const { site } = this.current;
    const first = this.sum();
    const rest: [CompareOperator, Expression][] = [];
    for (;;) {
      if (this.current.kind === 'operator' && COMPARE.has(this.current.value))
        rest.push([this.next().value as CompareOperator, this.sum()]);
      else if (this.accept('name', 'in')) rest.push(['in', this.sum()]);
      else if (this.is('name', 'not') && this.peek(1, 'name', 'in')) {
        this.index += 2;
        rest.push(['not in', this.sum()]);
      } else break;
    }
    return rest.length > 0 ? { kind: 'compare', first, rest, site } : first;
  }

  protected peek(ahead: number, kind: TokenKind, value?: string): boolean {
    const token = this.tokens[this.index + ahead];
    return token !== undefined && token.kind === kind && (value === undefined || token.value === value);
  }

  private binary(operators: string, operand: () => Expression): Expression {
    let left = operand();
    const list = operators.split(' ');
    while (this.current.kind === 'operator' && list.includes(this.current.value)) {
      const { value, site } = this.next();
      left = { kind: 'binary', operator: value as BinaryOperator, left, right: operand(), site };
    }
    return left;
  }

  private sum(): Expression {
    return this.binary('+ -', () => this.concat());
  }
  private concat(): Expression {
    return this.binary('~', () => this.product());
  }
  private product(): Expression {
    return this.binary('* / // %', () => this.power());
  }
  private power(): Expression {
    return this.binary('**', () => this.unary(true));
  }

  private unary(withFilters: boolean): Expression {
    const { site } = this.current;
    let node: Expression;
    if (this.accept('operator', '-'))
      node = { kind: 'unary', operator: '-', operand: this.unary(false), site };
    else if (this.accept('operator', '+'))
      node = { kind: 'unary', operator: '+', operand: this.unary(false), site };
    else node = this.primary();
    node = this.postfix(node);
    return withFilters ? this.filters(node) : node;
  }

  private primary(): Expression {
    const token = this.next();
    const { site } = token;
    switch (token.kind) {
      case 'name':
        if (token.value in CONSTANTS)
          return { kind: 'literal', value: CONSTANTS[token.value] as boolean | null, site };
        return { kind: 'name', name: token.value, site };
      case 'string': {
        let value = token.value;
        while (this.is('string')) value += this.next().value;
        return { kind: 'literal', value, site };
      }
      case 'integer':
        return { kind: 'literal', value: integer(BigInt(token.value)) as number | bigint, site };
      case 'float':
        return { kind: 'float', value: Number(token.value), site };
      case 'operator':
        if (token.value === '(') return this.parenthesis(site);
        if (token.value === '[') return { kind: 'list', items: this.items(']'), site };
        if (token.value === '{') return this.dict(site);
        break;
      default:
        break;
    }
    this.index--;
    throw this.unexpected('an expression');
  }

  private parenthesis(site: Site): Expression {
    if (this.accept('operator', ')')) return { kind: 'tuple', items: [], site };
    const inner = this.tupleOrExpression(({ kind, value }) => kind === 'operator' && value === ')');
    this.expect('operator', ')');
    return inner;
  }

  private items(close: string): Expression[] {
    const items: Expression[] = [];
    while (!this.accept('operator', close)) {
      if (items.length > 0) {
        this.expect('operator', ',');
        if (this.accept('operator', close)) break;
      }
      items.push(this.expression());
    }
    return items;
  }

  private dict(site: Site): Expression {
    const entries: [Expression, Expression][] = [];
    while (!this.accept('operator', '}')) {
      if (entries.length > 0) {
        this.expect('operator', ',');
        if (this.accept('operator', '}')) break;
      }
      const key = this.expression();
      this.expect('operator', ':');
      entries.push([key, this.expression()]);
    }
    return { kind: 'dict', entries, site };
  }

  protected postfix(start: Expression): Expression {
    let node = start;
    for (;;) {
      const { site } = this.current;
      if (this.accept('operator', '.')) {
        if (this.is('integer')) {
          const index: Expression = { kind: 'literal', value: Number(this.next().value), site };
          node = { kind: 'item', of: node, index, site };
        } else node = { kind: 'attribute', of: node, name: this.expect('name').value, site };
      } else if (this.accept('operator', '[')) {
        node = { kind: 'item', of: node, index: this.subscript(), site };
        this.expect('operator', ']');
      } else if (this.is('operator', '('))
        node = { kind: 'call', callee: node, args: this.arguments(), site: node.site };
      else return node;
    }
  }

  private subscript(): Expression {
    const { site } = this.current;
    const parts: (Expression | undefined)[] = [];
    const bound = (): Expression | undefined =>
      this.is('operator', ':') || this.is('operator', ']') ? undefined : this.expression();
    parts.push(bound());
    while (this.accept('operator', ':')) parts.push(bound());
    if (parts.length === 1) {
      if (!parts[0]) throw this.unexpected('an index');
      return parts[0];
    }
    const [start, stop, step] = parts;
    return { kind: 'slice', ...(start && { start }), ...(stop && { stop }), ...(step && { step }), site };
  }

  protected arguments(): Argument[] {
    this.expect('operator', '(');
    const args: Argument[] = [];
    while (!this.accept('operator', ')')) {
      if (args.length > 0) {
        this.expect('operator', ',');
        if (this.accept('operator', ')')) break;
      }
      if (this.accept('operator', '**')) args.push({ spread: '**', value: this.expression() });
      else if (this.accept('operator', '*')) args.push({ spread: '*', value: this.expression() });
      else if (this.is('name') && this.peek(1, 'operator', '=')) {
        const name = this.next().value;
        this.index++;
        args.push({ name, value: this.expression() });
      } else args.push({ value: this.expression() });
    }
    return args;
  }

  private filters(start: Expression): Expression {
    let node = start;
    for (;;) {
      if (this.is('operator', '|')) node = this.filter(node);
      else if (this.is('name', 'is')) node = this.test(node);
      else if (this.is('operator', '(')) node = this.postfix(node);
      else return node;
    }
  }

  /** `| name(args)`; for a filter block the first one stands without its bar */
  protected filter(input: Expression | null, bare = false): Expression {
    const { site } = this.current;
    if (!bare) this.expect('operator', '|');
    const name = this.dotted();
    return { kind: 'filter', input, name, args: this.is('operator', '(') ? this.arguments() : [], site };
  }

  private test(input: Expression): Expression {
    const { site } = this.next();
    const negated = this.accept('name', 'not');
    const name = this.dotted();
    let args: Argument[] = [];
    if (this.is('operator', '(')) args = this.arguments();
    else if (this.startsOperand()) args = [{ value: this.postfix(this.primary()) }];
    return { kind: 'test', input, name, args, negated, site };
  }

  private startsOperand(): boolean {
    const { kind, value } = this.current;
    if (kind === 'name') return !['else', 'or', 'and', 'is', 'if', 'in', 'not'].includes(value);
    return (
      kind === 'string' ||
      kind === 'integer' ||
      kind === 'float' ||
      (kind === 'operator' && '[{'.includes(value))
    );
  }

  private dotted(): string {
    let name = this.expect('name').value;
    while (this.accept('operator', '.')) name += `.${this.expect('name').value}`;
    return name;
  }
}

const DESCRIBED: Record<TokenKind, string> = {
  text: 'text',
  variableBegin: "'{{'",
  variableEnd: "'}}'",
  blockBegin: "'{%'",
  blockEnd: "'%}'",
  name: 'a name',
  string: 'a text in quotes',
  integer: 'a number',
  float: 'a number',
  operator: 'an operator',
  end: 'the end of the template',
};

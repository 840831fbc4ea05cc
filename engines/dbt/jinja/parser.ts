import type { Expression, Macro, Parameter, Site, Statement, Target, Template } from './ast.js';
import { ExpressionParser } from './expressions.js';
import { JinjaFault } from './fault.js';
import { tokenize } from './lexer.js';

/** @throws JinjaFault with the position of what could not be read */
export function parseTemplate(source: string, file: string): Template {
  return new Parser(tokenize(source, file)).template(file);
}

class Parser extends ExpressionParser {
  template(file: string): Template {
    return { file, body: this.body([]).body };
  }

  /** Statements up to one of the closing tags, which is consumed up to and including its name. */
  private body(
    closers: string[],
    opener?: { tag: string; site: Site },
  ): { body: Statement[]; closer: string } {
    const body: Statement[] = [];
    for (;;) {
      const token = this.next();
      const { site } = token;
      if (token.kind === 'text') body.push({ kind: 'text', text: token.value, site });
      else if (token.kind === 'variableBegin') {
        body.push({ kind: 'output', value: this.tupleOrExpression(), site });
        this.expect('variableEnd');
      } else if (token.kind === 'blockBegin') {
        const tag = this.expect('name');
        if (closers.includes(tag.value)) return { body, closer: tag.value };
        body.push(...this.statement(tag.value, site));
      } else {
        if (!opener) return { body, closer: '' };
        const wanted = closers.map((name) => `{% ${name} %}`).join(' or ');
        throw new JinjaFault(`'${opener.tag}' has no end (${wanted})`, opener.site);
      }
    }
  }

  private block(tag: string, site: Site, closers = [`end${tag}`]): { body: Statement[]; closer: string } {
    this.expect('blockEnd');
    return this.body(closers, { tag, site });
  }

  private closed(tag: string, site: Site): Statement[] {
    const { body } = this.block(tag, site);
    this.expect('blockEnd');
    return body;
  }

  private statement(tag: string, site: Site): Statement[] {
    switch (tag) {
      case 'if':
        return [this.conditional(site)];
      case 'for':
        return [this.loop(site)];
      case 'set':
        return [this.assignment(site)];
      case 'with':
        return [this.scoped(site)];
      case 'macro': {
        const name = this.expect('name').value;
        return [{ kind: 'macro', macro: this.macro(tag, name, this.parameters(), site), site }];
      }
      case 'test':
      case 'data_test': {
        const name = this.expect('name').value;
        return [{ kind: 'macro', macro: this.macro(tag, `test_${name}`, this.parameters(), site), site }];
      }
      case 'materialization':
        return [{ kind: 'macro', macro: this.materialization(site), site }];
      case 'call': {
        const parameters = this.is('operator', '(') ? this.parameters() : [];
        const call = this.expression();
        if (call.kind !== 'call') throw new JinjaFault("'call' needs a macro call after it", call.site);
        return [{ kind: 'call', call, macro: this.macro(tag, 'caller', parameters, site), site }];
      }
      case 'filter': {
        let filters = this.filter(null, true);
        while (this.is('operator', '|')) filters = this.filter(filters);
        return [{ kind: 'filter', filters, body: this.closed(tag, site), site }];
      }
      case 'do': {
        const value = this.tupleOrExpression();
        this.expect('blockEnd');
        return [{ kind: 'do', value, site }];
      }
      case 'break':
      case 'continue':
        this.expect('blockEnd');
        return [{ kind: tag, site }];
      case 'snapshot': {
        const name = this.expect('name').value;
        return [{ kind: 'snapshot', name, body: this.closed(tag, site), site }];
      }
      case 'docs': {
        const name = this.expect('name').value;
        this.expect('blockEnd');
        return [{ kind: 'docs', name, text: this.expect('text').value, site }];
      }
      default:
        throw new JinjaFault(
          tag.startsWith('end') || tag === 'else' || tag === 'elif'
            ? `'${tag}' closes nothing that is open`
            : `There is no tag '${tag}'`,
          site,
        );
    }
  }

  private conditional(site: Site): Statement {
    const branches = [];
    let otherwise: Statement[] = [];
    let closer = 'elif';
    while (closer === 'elif') {
      const test = this.tupleOrExpression();
      const part = this.block('if', site, ['elif', 'else', 'endif']);
      branches.push({ test, body: part.body });
      closer = part.closer;
    }
    if (closer === 'else') otherwise = this.block('if', site, ['endif']).body;
    this.expect('blockEnd');
    return { kind: 'if', branches, otherwise, site };
  }

  private loop(site: Site): Statement {
    const target = this.targets();
    this.expect('name', 'in');
    const over = this.iterated();
    const where = this.accept('name', 'if') ? this.expression() : null;
    const recursive = this.accept('name', 'recursive');
    const { body, closer } = this.block('for', site, ['else', 'endfor']);
    const otherwise = closer === 'else' ? this.block('for', site, ['endfor']).body : [];
    this.expect('blockEnd');
    return { kind: 'for', target, over, where, recursive, body, otherwise, site };
  }

  /** what a loop runs over: an `if` after it belongs to the loop, so no conditional expression here */
  private iterated(): Expression {
    const { site } = this.current;
    const first = this.withoutConditional();
    if (!this.is('operator', ',')) return first;
    const items = [first];
    while (this.accept('operator', ',')) items.push(this.withoutConditional());
    return { kind: 'tuple', items, site };
  }

  private assignment(site: Site): Statement {
    const target = this.targets();
    if (this.accept('operator', '=')) {
      const value = this.tupleOrExpression();
      this.expect('blockEnd');
      return { kind: 'set', target, value, site };
    }
    let filters: Expression | null = null;
    while (this.is('operator', '|')) filters = this.filter(filters);
    return { kind: 'setBlock', target, filters, body: this.closed('set', site), site };
  }

  private scoped(site: Site): Statement {
    const assignments = [];
    while (!this.is('blockEnd')) {
      if (assignments.length > 0) this.expect('operator', ',');
      const target = this.target();
      this.expect('operator', '=');
      assignments.push({ target, value: this.expression() });
    }
    return { kind: 'with', assignments, body: this.closed('with', site), site };
  }

  private target(): Target {
    if (this.accept('operator', '(')) {
      const inner = this.targets();
      this.expect('operator', ')');
      return inner;
    }
    const name = this.expect('name').value;
    if (this.accept('operator', '.')) return { kind: 'member', of: name, name: this.expect('name').value };
    return { kind: 'name', name };
  }

  private targets(): Target {
    const first = this.target();
    if (!this.is('operator', ',')) return first;
    const targets = [first];
    while (this.accept('operator', ',')) {
      if (this.is('name', 'in') || this.is('operator', '=') || this.is('operator', ')')) break;
      targets.push(this.target());
    }
    return { kind: 'many', targets };
  }

  private parameters(): Parameter[] {
    this.expect('operator', '(');
    const parameters: Parameter[] = [];
    while (!this.accept('operator', ')')) {
      if (parameters.length > 0) {
        this.expect('operator', ',');
        if (this.accept('operator', ')')) break;
      }
      const { value: name, site } = this.expect('name');
      if (this.accept('operator', ':')) this.typeAnnotation();
      const fallback = this.accept('operator', '=') ? this.expression() : null;
      if (fallback === null && parameters.at(-1)?.default)
        throw new JinjaFault(`The argument '${name}' has no default, and one before it has`, site);
      parameters.push({ name, default: fallback });
    }
    return parameters;
  }

  /** dbt lets arguments have types, `name: Dict[str, int]`, and checks nothing of them while a project runs */
  private typeAnnotation(): void {
    this.expect('name');
    if (!this.accept('operator', '[')) return;
    while (!this.accept('operator', ']')) {
      this.typeAnnotation();
      if (!this.is('operator', ']')) this.expect('operator', ',');
    }
  }

  private macro(tag: string, name: string, parameters: Parameter[], site: Site): Macro {
    const begin = this.index;
    const body = this.closed(tag, site);
    const reads = (word: string): boolean =>
      this.tokens.slice(begin, this.index).some(({ kind, value }) => kind === 'name' && value === word);
    return { name, parameters, body, readsVarargs: reads('varargs'), readsKwargs: reads('kwargs'), site };
  }

  /** `materialization name, adapter='duckdb'` or `…, default` becomes the macro dbt looks for */
  private materialization(site: Site): Macro {
    const name = this.expect('name').value;
    let adapter = 'default';
    while (this.accept('operator', ',')) {
      const option = this.expect('name').value;
      if (option === 'default') continue;
      this.expect('operator', '=');
      const value = this.expression();
      if (option === 'adapter' && value.kind === 'literal') adapter = String(value.value);
    }
    return this.macro('materialization', `materialization_${name}_${adapter}`, [], site);
  }
}

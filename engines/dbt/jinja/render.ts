import type { Macro, Site, Statement, Target, Template } from './ast.js';
import { applyFilters, evaluate } from './evaluate.js';
import { JinjaFault, locate, passedThrough } from './fault.js';
import { Loop } from './loop.js';
import type { Scope } from './scope.js';
import { Signal } from './signal.js';
import {
  iterate,
  Namespace,
  PyObject,
  repr,
  str,
  truthy,
  tuple,
  Undefined,
  type Kwargs,
  type Value,
} from './values.js';

/** dbt's `return()`: ends the macro that called it, with a value instead of a text. */
export class ReturnSignal extends Signal {
  constructor(readonly value: Value) {
    super('return() outside of a macro');
  }
}

type Jump = 'break' | 'continue' | undefined;

/** Takes what a template puts out. */
interface Sink {
  push(value: Value): void;
}

/** Prints at once: a list that is changed later has been printed as it was. */
class Text implements Sink {
  text = '';
  push(value: Value): void {
    this.text += str(value);
  }
}

/** @returns the text of a template. Macros it defines stay in `scope`. */
export const render = (template: Template, scope: Scope): string => block(template.body, scope);

/** @returns what a template puts out, piece by piece and unprinted, for those who want values and not text */
export function renderParts(template: Template, scope: Scope): Value[] {
  const out: Value[] = [];
  execute(template.body, scope, out);
  return out;
}

function execute(body: Statement[], scope: Scope, out: Sink): Jump {
  for (const statement of body) {
    const jump = step(statement, scope, out);
    if (jump) return jump;
  }
  return undefined;
}

function block(body: Statement[], scope: Scope): string {
  const out = new Text();
  execute(body, scope, out);
  return out.text;
}

function step(node: Statement, scope: Scope, out: Sink): Jump {
  switch (node.kind) {
    case 'text':
      out.push(node.text);
      return;
    case 'output':
      out.push(evaluate(node.value, scope));
      return;
    case 'do':
      evaluate(node.value, scope);
      return;
    case 'if':
      for (const { test, body } of node.branches)
        if (truthy(evaluate(test, scope))) return execute(body, scope, out);
      return execute(node.otherwise, scope, out);
    case 'for':
      out.push(loop(node, scope, null, 0));
      return;
    case 'set':
      assign(node.target, evaluate(node.value, scope), scope, node.site);
      return;
    case 'setBlock': {
      const text = block(node.body, scope.inner());
      assign(node.target, node.filters ? applyFilters(node.filters, text, scope) : text, scope, node.site);
      return;
    }
    case 'with': {
      const inner = scope.inner();
      for (const { target, value } of node.assignments)
        assign(target, evaluate(value, scope), inner, node.site);
      return execute(node.body, inner, out);
    }
    case 'macro':
      scope.set(node.macro.name, new MacroObject(node.macro, scope));
      return;
    case 'call':
      out.push(callBlock(node, scope));
      return;
    case 'filter':
      out.push(applyFilters(node.filters, block(node.body, scope.inner()), scope));
      return;
    case 'snapshot':
      return execute(node.body, scope, out);
    case 'docs':
      return;
    case 'break':
    case 'continue':
      return node.kind;
  }
}

type For = Statement & { kind: 'for' };

function loop(node: For, scope: Scope, over: Value | null, depth: number): string {
  const items: Value[] = [];
  try {
    for (const item of iterate(over ?? evaluate(node.over, scope))) {
      if (node.where) {
        const inner = scope.inner();
        assign(node.target, item, inner, node.site);
        if (!truthy(evaluate(node.where, inner))) continue;
      }
      items.push(item);
    }
  } catch (cause) {
    throw locate(cause, node.over.site);
  }
  if (items.length === 0) return block(node.otherwise, scope.inner());
  const state = new Loop(
    items,
    depth,
    node.recursive ? (inner, depth0) => loop(node, scope, inner, depth0) : null,
  );
  const out = new Text();
  for (const [index, item] of items.entries()) {
    state.index0 = index;
    const inner = scope.inner();
    inner.set('loop', state);
    assign(node.target, item, inner, node.site);
    if (execute(node.body, inner, out) === 'break') break;
  }
  return out.text;
}

function assign(target: Target, value: Value, scope: Scope, site: Site): void {
  if (target.kind === 'name') return scope.set(target.name, value);
  if (target.kind === 'member') {
    const namespace = scope.get(target.of);
    if (!(namespace instanceof Namespace))
      throw new JinjaFault(`Only a namespace takes new members; '${target.of}' is ${repr(namespace)}`, site);
    namespace.members.set(target.name, value);
    return;
  }
  let items: Value[];
  try {
    items = [...iterate(value)];
  } catch (cause) {
    throw locate(cause, site);
  }
  if (items.length !== target.targets.length)
    throw new JinjaFault(`${items.length} values cannot be put into ${target.targets.length} names`, site);
  for (const [index, each] of target.targets.entries()) assign(each, items[index] as Value, scope, site);
}

function callBlock(node: Statement & { kind: 'call' }, scope: Scope): Value {
  const { call } = node;
  if (call.kind !== 'call') throw new JinjaFault("'call' needs a macro call", node.site);
  // `return` in the block ends the macro that calls the block, as in dbt
  const caller = new MacroObject(node.macro, scope, undefined, undefined, false);
  const inner = scope.inner();
  inner.set(CALLER, caller);
  const withCaller = {
    ...call,
    args: [...call.args, { name: 'caller', value: { kind: 'name' as const, name: CALLER, site: node.site } }],
  };
  return evaluate(withCaller, inner);
}
/** no template can write this name, so it hides nothing */
const CALLER = 'caller block';

/** macro calls inside one another; about where Python would give up, too */
const DEEPEST = 300;
/** rendering is synchronous, so one counter serves all of it */
let depth = 0;

/** A macro bound to the scope it was defined in. */
export class MacroObject extends PyObject {
  readonly typeName = 'Macro';

  constructor(
    readonly macro: Macro,
    private readonly scope: Scope,
    /** what goes on around its call */
    private readonly around: <T>(work: () => T) => T = (work) => work(),
    /** its name in errors */
    private readonly label = macro.name,
    /** whether `return` ends it and no more */
    private readonly returns = true,
  ) {
    super();
  }

  override attribute(name: string): Value | undefined {
    switch (name) {
      case 'name':
        return this.macro.name;
      case 'arguments':
        return tuple(...this.macro.parameters.map((parameter) => parameter.name));
      case 'catch_varargs':
        return this.macro.readsVarargs;
      case 'catch_kwargs':
        return this.macro.readsKwargs;
      default:
        return undefined;
    }
  }

  override call(args: Value[], kwargs: Kwargs, site: Site): Value {
    const inner = this.scope.inner();
    this.bind(args, { ...kwargs }, inner, site);
    const out = new Text();
    if (depth >= DEEPEST)
      throw new JinjaFault('Macros call one another without end', site, 'Give the recursion an end');
    depth++;
    try {
      this.around(() => execute(this.macro.body, inner, out));
    } catch (cause) {
      if (cause instanceof ReturnSignal) {
        if (this.returns) return cause.value;
        throw cause;
      }
      throw passedThrough(locate(cause, site), this.label, site);
    } finally {
      depth--;
    }
    return out.text;
  }

  private bind(args: Value[], kwargs: Kwargs, scope: Scope, site: Site): void {
    const { name, parameters, readsVarargs, readsKwargs } = this.macro;
    for (const [index, parameter] of parameters.entries()) {
      const given = index < args.length ? args[index] : kwargs[parameter.name];
      if (index < args.length && Object.hasOwn(kwargs, parameter.name))
        throw new JinjaFault(`Macro '${name}' got its argument '${parameter.name}' twice`, site);
      delete kwargs[parameter.name];
      if (given !== undefined) scope.set(parameter.name, given);
      else if (parameter.default) scope.set(parameter.name, evaluate(parameter.default, scope));
      else
        scope.set(
          parameter.name,
          new Undefined(`parameter '${parameter.name}' of ${name}`, scope.globals.lenient),
        );
    }
    const caller = kwargs['caller'];
    if (caller !== undefined) scope.set('caller', caller);
    delete kwargs['caller'];
    const extra = args.slice(parameters.length);
    if (readsVarargs) scope.set('varargs', tuple(...extra));
    else if (extra.length > 0)
      throw new JinjaFault(`Macro '${name}' takes ${parameters.length} arguments, not ${args.length}`, site);
    const unknown = Object.keys(kwargs);
    if (readsKwargs) scope.set('kwargs', new Map(Object.entries(kwargs)));
    else if (unknown.length > 0)
      throw new JinjaFault(
        `Macro '${name}' has no argument '${unknown[0]}'`,
        site,
        `It takes: ${parameters.map((parameter) => parameter.name).join(', ') || 'none'}`,
      );
  }

  override toString(): string {
    return `<Macro ${repr(this.macro.name)}>`;
  }
}

import { didYouMean } from '../../nearest.js';
import type { Argument, Expression, Site } from './ast.js';
import { JinjaFault, locate } from './fault.js';
import type { FilterHost } from './filter.js';
import { runFilter } from './filters.js';
import { attribute, binary, compares, item, slice } from './operators.js';
import type { Scope } from './scope.js';
import { runTest } from './tests.js';
import {
  Decimal,
  Float,
  integer,
  isFloat,
  iterate,
  keyOf,
  PyObject,
  repr,
  str,
  toNumber,
  truthy,
  tuple,
  typeName,
  Undefined,
  type Kwargs,
  type Value,
} from './values.js';

/** @throws JinjaFault with the position of the expression that failed, and whatever a called function throws */
export function evaluate(node: Expression, scope: Scope): Value {
  switch (node.kind) {
    case 'literal':
      return node.value;
    case 'float':
      return Number.isInteger(node.value) ? new Float(node.value) : node.value;
    case 'name':
      return scope.get(node.name);
    case 'list':
      return node.items.map((each) => evaluate(each, scope));
    case 'tuple':
      return tuple(...node.items.map((each) => evaluate(each, scope)));
    case 'dict':
      return new Map(
        node.entries.map(([key, value]) => [keyOf(evaluate(key, scope)), evaluate(value, scope)]),
      );
    case 'logic': {
      const left = evaluate(node.left, scope);
      return truthy(left) === (node.operator === 'or') ? left : evaluate(node.right, scope);
    }
    case 'conditional':
      if (truthy(evaluate(node.test, scope))) return evaluate(node.then, scope);
      return node.otherwise ? evaluate(node.otherwise, scope) : new Undefined('an else', true);
    case 'slice':
      throw new JinjaFault("':' has no meaning here", node.site);
    default:
      break;
  }
  try {
    return operate(node, scope);
  } catch (cause) {
    throw locate(cause, node.site);
  }
}

type Operation = Exclude<
  Expression,
  { kind: 'literal' | 'float' | 'name' | 'list' | 'tuple' | 'dict' | 'logic' | 'conditional' | 'slice' }
>;

function operate(node: Operation, scope: Scope): Value {
  switch (node.kind) {
    case 'attribute':
      return leniently(attribute(evaluate(node.of, scope), node.name), scope);
    case 'item': {
      const of = evaluate(node.of, scope);
      if (node.index.kind !== 'slice') return leniently(item(of, evaluate(node.index, scope)), scope);
      const bound = (part: Expression | undefined): number | null => {
        const value = part ? evaluate(part, scope) : null;
        return value === null ? null : toNumber(value);
      };
      return slice(of, bound(node.index.start), bound(node.index.stop), bound(node.index.step));
    }
    case 'call':
      return call(node, scope);
    case 'filter': {
      if (!node.input) throw new JinjaFault('This filter has no input', node.site);
      const { args, kwargs } = readArguments(node.args, scope);
      return runFilter(node.name, evaluate(node.input, scope), args, kwargs, HOST);
    }
    case 'test': {
      const { args } = readArguments(node.args, scope);
      return runTest(node.name, evaluate(node.input, scope), args) !== node.negated;
    }
    case 'unary':
      return unary(node.operator, evaluate(node.operand, scope));
    case 'binary':
      return binary(node.operator, evaluate(node.left, scope), evaluate(node.right, scope));
    case 'compare': {
      let left = evaluate(node.first, scope);
      for (const [operator, operand] of node.rest) {
        const right = evaluate(operand, scope);
        if (!compares(operator, left, right)) return false;
        left = right;
      }
      return true;
    }
  }
}

/** while a project is read, what is missing inside something may be used as if it were there */
const leniently = (value: Value, { globals }: Scope): Value =>
  value instanceof Undefined && globals.lenient && !value.lenient ? new Undefined(value.name, true) : value;

function unary(operator: '-' | '+' | 'not', operand: Value): Value {
  if (operator === 'not') return !truthy(operand);
  if (operand instanceof Decimal || operand instanceof PyObject)
    return operator === '-' ? binary('*', operand, -1) : operand;
  if (typeof operand === 'bigint') return operator === '-' ? integer(-operand) : operand;
  const number = toNumber(operand) * (operator === '-' ? -1 : 1);
  // an int has no negative zero
  if (number === 0 && !isFloat(operand)) return 0;
  return isFloat(operand) && Number.isInteger(number) ? new Float(number) : number;
}

/** Filters applied to a text that is already there, as in `{% filter … %}` and `{% set x | … %}`. */
export function applyFilters(node: Expression, input: Value, scope: Scope): Value {
  if (node.kind !== 'filter') throw new JinjaFault('A filter was expected', node.site);
  try {
    const value = node.input ? applyFilters(node.input, input, scope) : input;
    const { args, kwargs } = readArguments(node.args, scope);
    return runFilter(node.name, value, args, kwargs, HOST);
  } catch (cause) {
    throw locate(cause, node.site);
  }
}

function call(node: Expression & { kind: 'call' }, scope: Scope): Value {
  const callee = evaluate(node.callee, scope);
  const { args, kwargs } = readArguments(node.args, scope);
  if (callee instanceof Undefined && !callee.lenient) {
    const isName = node.callee.kind === 'name';
    const name = node.callee.kind === 'name' ? node.callee.name : callee.name;
    throw new JinjaFault(
      `'${name}' is undefined`,
      node.site,
      (isName ? didYouMean(name, scope.names()) : callee.fix) ||
        'Define that macro, or add the package it comes from (packages.yml)',
    );
  }
  return callValue(callee, args, kwargs, node.site);
}

/** Calls a function, macro or class. @throws JinjaFault when the value is none of these */
export function callValue(callee: Value, args: Value[], kwargs: Kwargs = {}, site: Site = NOWHERE): Value {
  if (typeof callee === 'function') return callee(args, kwargs, site);
  if (callee instanceof PyObject && callee.call) return callee.call(args, kwargs, site);
  if (callee instanceof Undefined && callee.lenient) return callee;
  throw new JinjaFault(`${typeName(callee)} ${repr(callee)} cannot be called`, site);
}
const NOWHERE: Site = { file: '', line: 0, column: 0 };

export function readArguments(given: Argument[], scope: Scope): { args: Value[]; kwargs: Kwargs } {
  const args: Value[] = [];
  const kwargs: Kwargs = {};
  for (const { name, spread, value } of given) {
    const evaluated = evaluate(value, scope);
    if (name !== undefined) kwargs[name] = evaluated;
    else if (spread === '*') args.push(...iterate(evaluated));
    else if (spread === '**') {
      if (!(evaluated instanceof Map))
        throw new JinjaFault(`'**' needs a dict, not ${repr(evaluated)}`, value.site);
      for (const [key, each] of evaluated) kwargs[str(key)] = each;
    } else args.push(evaluated);
  }
  return { args, kwargs };
}

const HOST: FilterHost = {
  filter: (name, input, args, kwargs) => runFilter(name, input, args, kwargs, HOST),
  attribute,
  item,
};

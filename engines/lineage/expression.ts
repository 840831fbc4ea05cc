import { fold, isPart, isQuery, listOf, nameOf, names, tagged, type Part } from './ast.js';
import { Sources, type Use } from './column-lineage.js';
import type { Scope, Shape } from './scope.js';

/** Traces a query that stands inside an expression. */
export type TraceQuery = (query: unknown, scope: Scope) => Shape;

/** over rows; everything else is worked out within one */
const AGGREGATES = new Set([
  ...['sum', 'count', 'avg', 'min', 'max', 'first', 'last', 'any_value', 'count_if', 'sum_if', 'array_agg'],
  ...['list_agg', 'string_agg', 'group_concat', 'stddev', 'stddev_pop', 'stddev_samp', 'variance', 'var_pop'],
  ...['var_samp', 'median', 'mode', 'approx_distinct', 'approx_count_distinct', 'quantile', 'percentile'],
  ...['percentile_cont', 'percentile_disc', 'approx_quantile', 'bit_and', 'bit_or', 'bit_xor', 'bool_and'],
  ...[
    'bool_or',
    'logical_and',
    'logical_or',
    'every',
    'corr',
    'covar_pop',
    'covar_samp',
    'arg_max',
    'arg_min',
  ],
  ...['max_by', 'min_by', 'aggregate_function', 'within_group', 'list', 'histogram', 'product', 'kurtosis'],
  ...['skewness', 'entropy', 'json_group_array', 'json_object_agg', 'object_agg', 'listagg', 'quantile_cont'],
  ...['quantile_disc', 'regr_slope', 'regr_r2', 'hll', 'approx_top_k', 'mad', 'favg', 'fsum', 'any'],
]);

/** parts whose columns decide about the value and are not in it */
const CONDITIONS: Record<string, ReadonlySet<string>> = {
  case: new Set(['operand']),
  if_func: new Set(['condition']),
  window_function: new Set(['over']),
  comprehension: new Set(['condition']),
};
const ALWAYS = new Set(['filter', 'order_by']);
/** wrappers that leave a value as it is */
const SAME = new Set(['paren', 'alias', 'annotated']);
/** keywords that some functions take where a column could stand */
const UNITS =
  /^(years?|quarters?|months?|weeks?|days?|hours?|minutes?|seconds?|milliseconds?|microseconds?|nanoseconds?|isodow|dow|doy|epoch|isoyear|isoweek|yearweek|century|decade|millennium|timezone)$/i;

/** Where the value of an expression comes from. */
export function expressionSources(expression: unknown, scope: Scope, query: TraceQuery): Sources {
  const found = new Sources();
  visit(expression, 'identity');
  return found;

  function visit(value: unknown, use: Use): void {
    if (Array.isArray(value)) {
      for (const each of value as unknown[]) visit(each, use);
      return;
    }
    const known = tagged(value);
    if (known) visitTagged(...known, use);
    else if (isPart(value)) for (const each of Object.values(value)) visit(each, use);
  }

  function visitTagged(tag: string, part: Part, use: Use): void {
    if (tag === 'column') found.addAll(column(part), use);
    else if (tag === 'exists') subquery(part['this'], 'condition', use);
    else if (isQuery(tag)) subquery({ [tag]: part }, 'identity', use);
    else if (tag === 'lambda')
      scope.within(names(part['parameters']), () => visit(part['body'], worked(use)));
    else if (tag === 'comprehension') comprehension(part, worked(use));
    else if (tag === 'case') caseOf(part, worked(use));
    else if (tag === 'named_argument') visit(part['value'], worked(use));
    else if (tag === 'star') found.unknown ??= 'a `*` inside an expression is not traced';
    else if (tag === 'function' && fold(nameOf(part['name']) ?? '') === 'columns')
      found.unknown ??= 'COLUMNS(…) is not traced';
    else parts(tag, part, SAME.has(tag) ? use : stronger(tag, part, use));
  }

  function parts(tag: string, part: Part, use: Use): void {
    for (const [key, each] of Object.entries(part)) {
      const decides = ALWAYS.has(key) || CONDITIONS[tag]?.has(key);
      if (key !== 'alias' && key !== 'to') visit(each, decides ? 'condition' : use);
    }
    // `sum(x) over w`
    const over =
      tag === 'window_function' && isPart(part['over']) ? nameOf(part['over']['window_name']) : null;
    if (over !== null) visit(scope.windows.get(fold(over)), 'condition');
  }

  function column(part: Part): Sources {
    const name = nameOf(part['name']) ?? '';
    const table = nameOf(part['table']);
    const sources = scope.column(table, name);
    return sources.unknown !== null && table === null && UNITS.test(name) ? new Sources() : sources;
  }

  function caseOf(part: Part, use: Use): void {
    visit(part['operand'], 'condition');
    for (const when of listOf(part['whens'])) {
      const [condition, value] = listOf(when);
      visit(condition, 'condition');
      visit(value, use);
    }
    visit(part['else_'], use);
  }

  function comprehension(part: Part, use: Use): void {
    visit(part['iterator'], use);
    const own = tagged(part['expression']);
    const name = own?.[0] === 'column' ? nameOf(own[1]['name']) : null;
    scope.within(name === null ? [] : [name], () => {
      visit(part['this'], use);
      visit(part['condition'], 'condition');
    });
  }

  function subquery(value: unknown, own: Use, use: Use): void {
    const shape = query(value, scope);
    const joined = own === 'condition' ? own : worked(use);
    for (const { sources } of shape.columns) found.addAll(sources, joined);
    if (shape.rest) found.unknown ??= 'a subquery of columns that are not known';
    if (own !== 'condition') return;
    const where = tagged(value)?.[1]['where_clause'];
    const inner = shape.scope;
    if (where !== undefined && inner) found.addAll(expressionSources(where, inner, query), 'condition');
  }
}

const worked = (use: Use): Use => (use === 'identity' ? 'transformation' : use);

function stronger(tag: string, part: Part, use: Use): Use {
  if (use === 'condition') return use;
  const name = tag === 'function' ? fold(nameOf(part['name']) ?? '') : tag;
  return AGGREGATES.has(name) ? 'aggregation' : worked(use);
}

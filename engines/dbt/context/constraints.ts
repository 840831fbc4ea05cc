import { quoteIdent } from '../../warehouse/port.js';
import { iterate, str, truthy, type Dict, type Value } from '../jinja/values.js';

/** what an adapter cannot say; all others can be said, enforced or not */
const UNSUPPORTED: Record<string, readonly string[]> = {
  duckdb: [],
  postgres: [],
  snowflake: ['check'],
};

interface Parts {
  type: string;
  expression: string;
  name: string;
  to: string;
  columns: string[];
  toColumns: string[];
}

function partsOf(constraint: Value, adapter: string): Parts {
  const dict: Dict = constraint instanceof Map ? constraint : new Map<Value, Value>();
  const text = (key: string): string => {
    const value = dict.get(key) ?? null;
    return value === null ? '' : str(value);
  };
  const list = (key: string): string[] => {
    const value = dict.get(key) ?? null;
    return value === null ? [] : [...iterate(value)].map(str);
  };
  // DuckDB takes no database in the target of a foreign key, not even its own
  const to = adapter === 'duckdb' ? text('to').split('.').slice(-2).join('.') : text('to');
  return {
    ...{ type: text('type'), expression: text('expression'), name: text('name'), to },
    ...{ columns: list('columns'), toColumns: list('to_columns') },
  };
}

const supported = ({ type }: Parts, adapter: string): boolean => !UNSUPPORTED[adapter]?.includes(type);

function ofColumn({ type, expression, to, toColumns }: Parts): string {
  const target = to && toColumns.length > 0 ? `${to} (${toColumns.join(', ')})` : expression;
  switch (type) {
    case 'check':
      return expression && `check (${expression})`;
    case 'not_null':
      return `not null ${expression}`;
    case 'unique':
      return `unique ${expression}`;
    case 'primary_key':
      return `primary key ${expression}`;
    case 'foreign_key':
      return target && `references ${target}`;
    default:
      return expression;
  }
}

function ofModel({ type, expression, name, columns, to, toColumns }: Parts): string {
  const prefix = name ? `constraint ${name} ` : '';
  const list = `(${columns.join(', ')})`;
  const words = expression ? ` ${expression}` : '';
  const target = to && toColumns.length > 0 ? `${to} (${toColumns.join(', ')})` : expression;
  switch (type) {
    case 'check':
      return expression && `${prefix}check (${expression})`;
    case 'unique':
      return `${prefix}unique${words} ${list}`;
    case 'primary_key':
      return `${prefix}primary key${words} ${list}`;
    case 'foreign_key':
      return target && `${prefix}foreign key ${list} references ${target}`;
    case 'custom':
      return expression && prefix + expression;
    default:
      return '';
  }
}

/** `adapter.render_raw_columns_constraints`: each column with its type and its constraints, as DDL */
export function columnsDdl(columns: Dict, adapter: string): string[] {
  return [...columns.values()].map((value) => {
    const column: Dict = value instanceof Map ? value : new Map<Value, Value>();
    const name = str(column.get('name') ?? '');
    const constraints = [...iterate(column.get('constraints') ?? [])]
      .map((each) => partsOf(each, adapter))
      .filter((each) => supported(each, adapter))
      .map((each) => ofColumn(each).trim());
    return [
      truthy(column.get('quote') ?? false) ? quoteIdent(name) : name,
      str(column.get('data_type') ?? ''),
      ...constraints.filter(Boolean),
    ].join(' ');
  });
}

/** `adapter.render_raw_model_constraints` */
export const constraintsDdl = (constraints: Value, adapter: string): string[] =>
  [...iterate(constraints)]
    .map((each) => partsOf(each, adapter))
    .filter((each) => supported(each, adapter))
    .map(ofModel)
    .filter(Boolean);

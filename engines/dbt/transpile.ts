import type * as Polyglot from '@polyglot-sql/sdk';
import { MillraceError } from '../../schemas/errors.js';
import type { Session } from '../warehouse/port.js';
import { bracketAt, callsOf, rewriteCalls } from './transpile-calls.js';

let polyglot: Promise<typeof Polyglot> | undefined;
/** It takes half a second: only projects that ask for it pay. */
const loadPolyglot = (): Promise<typeof Polyglot> => (polyglot ??= import('@polyglot-sql/sdk'));

const FUNCTIONS = new WeakMap<Session, Promise<Set<string>>>();

/**
 * SQL written for Snowflake as DuckDB runs it, for developing without an account. What has no counterpart is an error
 * that names it; nothing is left to chance.
 *
 * @param session of the DuckDB that is to run it: its functions are those that may be called
 * @throws MillraceError Unsupported naming the construct, SqlError for what is no SQL of Snowflake
 */
export async function snowflakeToDuckDb(sql: string, session: Session): Promise<string> {
  refuse(sql);
  const { Dialect, transpile } = await loadPolyglot();
  const { success, sql: texts, error } = transpile(sql, Dialect.Snowflake, Dialect.DuckDB);
  const [text, ...others] = texts ?? [];
  if (!success || text === undefined || others.length > 0)
    throw new MillraceError('SqlError', {
      what: `This is no single statement of Snowflake's SQL: ${error ?? sql.slice(0, 80)}`,
      fix: 'Correct it, or run the project on Snowflake',
    });
  const written = REWRITES.reduce((now, rewrite) => rewrite(now), text);
  await checkFunctions(written, session);
  return written;
}

const unsupported = (
  what: string,
  fix = 'Write it another way, or run this model on Snowflake',
): MillraceError => new MillraceError('Unsupported', { what: `${what}: DuckDB has no counterpart`, fix });

/** What would be taken for something else. */
const REFUSED: readonly [pattern: RegExp, name: string][] = [
  [/\b(at|before)\s*\(\s*(timestamp|offset|statement|stream)\s*=>/i, 'time travel (AT, BEFORE)'],
  [/\bchanges\s*\(\s*information\s*=>/i, 'CHANGES of a table'],
  [/\bmatch_recognize\s*\(/i, 'MATCH_RECOGNIZE'],
  [/\bconnect\s+by\b/i, 'CONNECT BY'],
  [/\bfrom\s+@/i, 'reading a stage'],
  [/\$\d+\b/, 'a column by its number ($1)'],
  [/\brecursive\s*=>|\bmode\s*=>/i, "FLATTEN's recursive and mode"],
  [/\basof\s+join\b[^]*\bmatch_condition\b/i, 'ASOF JOIN with MATCH_CONDITION'],
];

function refuse(sql: string): void {
  const bare = sql.replace(/'(?:[^'\\]|''|\\[^])*'|--[^\n]*|\/\*[^]*?\*\//g, "''");
  for (const [pattern, name] of REFUSED) if (pattern.test(bare)) throw unsupported(name);
}

const decimal = ([value = '', precision = '38', scale = '0']: string[], how: string): string => {
  if (precision.startsWith("'")) throw unsupported('TO_NUMBER with a format');
  return `${how}(${value} AS DECIMAL(${precision}, ${scale}))`;
};
/** @returns a writer for what casts its only argument */
const casting =
  (how: 'CAST' | 'TRY_CAST', type: string, name: string) =>
  ([value = '', ...more]: string[]): string => {
    if (more.length > 0) throw unsupported(`${name} with a format`);
    return `${how}(${value} AS ${type})`;
  };

/** of Snowflake's formats of dates, longest first */
const FORMATS: Record<string, string> = {
  ...{ YYYY: '%Y', MMMM: '%B', HH24: '%H', HH12: '%I', MON: '%b', YY: '%y', MM: '%m', DD: '%d', DY: '%a' },
  ...{ MI: '%M', SS: '%S', FF3: '%g', FF6: '%f', AM: '%p', PM: '%p' },
};

function strftime(format: string): string {
  const inner = format.slice(1, -1);
  const rest = inner.replace(new RegExp(Object.keys(FORMATS).join('|'), 'gi'), '');
  if (/[a-z]/i.test(rest.replaceAll('T', '').replaceAll('"', '')))
    throw unsupported(`the format ${format} of a date`);
  const made = inner.replace(
    new RegExp(Object.keys(FORMATS).join('|'), 'gi'),
    (token) => FORMATS[token.toUpperCase()] ?? token,
  );
  return `'${made.replaceAll('"', '')}'`;
}

const CALLS: Record<string, (args: string[]) => string | null> = {
  TRY_TO_NUMBER: (args) => decimal(args, 'TRY_CAST'),
  TRY_TO_NUMERIC: (args) => decimal(args, 'TRY_CAST'),
  TRY_TO_DECIMAL: (args) => decimal(args, 'TRY_CAST'),
  TO_NUMBER: (args) => decimal(args, 'CAST'),
  TO_NUMERIC: (args) => decimal(args, 'CAST'),
  TO_DECIMAL: (args) => decimal(args, 'CAST'),
  TRY_TO_DATE: casting('TRY_CAST', 'DATE', 'TRY_TO_DATE'),
  TRY_TO_TIME: casting('TRY_CAST', 'TIME', 'TRY_TO_TIME'),
  TRY_TO_TIMESTAMP: casting('TRY_CAST', 'TIMESTAMP', 'TRY_TO_TIMESTAMP'),
  TRY_TO_TIMESTAMP_NTZ: casting('TRY_CAST', 'TIMESTAMP', 'TRY_TO_TIMESTAMP_NTZ'),
  TRY_TO_BOOLEAN: casting('TRY_CAST', 'BOOLEAN', 'TRY_TO_BOOLEAN'),
  TRY_TO_DOUBLE: casting('TRY_CAST', 'DOUBLE', 'TRY_TO_DOUBLE'),
  TO_VARCHAR: (args) => text(args),
  TO_CHAR: (args) => text(args),
  STRFTIME: ([value = '', format = '']) =>
    format.includes('%') ? null : `STRFTIME(${value}, ${strftime(format)})`,
  STARTSWITH: (args) => `STARTS_WITH(${args.join(', ')})`,
  ENDSWITH: (args) => `ENDS_WITH(${args.join(', ')})`,
  // Snowflake's must match the whole text
  REGEXP_MATCHES: (args) => `REGEXP_FULL_MATCH(${args.join(', ')})`,
  SHA2: ([value = '', bits = '256']) => {
    if (bits !== '256') throw unsupported(`SHA2 of ${bits} bits`);
    return `SHA256(${value})`;
  },
  OBJECT_KEYS: (args) => `JSON_KEYS(${args.join(', ')})`,
  ARRAY_LENGTH: ([value = '']) =>
    /^JSON\(| -> '|\bvalue$/i.test(value) ? `JSON_ARRAY_LENGTH(${value})` : null,
  CURRENT_TIMESTAMP: () => 'CURRENT_TIMESTAMP',
  CURRENT_DATE: () => 'CURRENT_DATE',
  SYSDATE: () => "(CURRENT_TIMESTAMP AT TIME ZONE 'UTC')",
  ZEROIFNULL: ([value = '']) => `COALESCE(${value}, 0)`,
};

function text([value = '', format]: string[]): string {
  return format === undefined ? `CAST(${value} AS VARCHAR)` : `STRFTIME(${value}, ${strftime(format)})`;
}

const named = new RegExp(`^(${Object.keys(CALLS).join('|')})$`, 'i');
const known = (sql: string): string =>
  rewriteCalls(sql, named, (args, name) => CALLS[name.toUpperCase()]?.(args) ?? null);

/** A value out of JSON is cast by its text: `"k"` is `k`, and `"12"` is 12. */
const casts = (sql: string): string =>
  rewriteCalls(sql, /^(TRY_)?CAST$/i, ([arg = ''], name) => {
    const [, value = '', path = '', type = ''] = /^([^]+) -> ('(?:[^']|'')*') AS ([^]+)$/.exec(arg) ?? [];
    const [, object = '', key = '', other = ''] = /^([\w."]+)\[('(?:[^']|'')*')\] AS ([^]+)$/.exec(arg) ?? [];
    const [inner, wanted] = value !== '' ? [`${value} ->> ${path}`, type] : [`${object} ->> ${key}`, other];
    if (wanted === '' || /^(JSON|STRUCT|MAP)/i.test(wanted)) return null;
    return /^(TEXT|VARCHAR)$/i.test(wanted) ? `(${inner})` : `${name}(${inner} AS ${wanted})`;
  });

const ROWS = /(LATERAL )?UNNEST\(input => /i;
/** FLATTEN of JSON: an array's elements or an object's members, each with its place. */
function flatten(sql: string): string {
  let text = sql;
  for (let found = ROWS.exec(text); found; found = ROWS.exec(text)) {
    const open = text.indexOf('(', found.index);
    const { to, args } = bracketAt(text, open);
    const input = (args[0] ?? '').replace(/^input => /i, '');
    const outer = args.slice(1).some((arg) => /^outer => true$/i.test(arg));
    if (outer) throw unsupported('FLATTEN with OUTER => TRUE');
    const [named = '', alias = 'flattened'] = /^ AS (\w+)(?:\([^)]*\))?/i.exec(text.slice(to)) ?? [];
    const made =
      `(SELECT value, CASE WHEN JSON_TYPE(${input}) = 'ARRAY' THEN CAST(key AS BIGINT) END AS "index", ` +
      `CASE WHEN JSON_TYPE(${input}) = 'OBJECT' THEN key END AS key, fullkey AS path, ${input} AS this ` +
      `FROM JSON_EACH(${input})) AS ${alias}`;
    const after = text
      .slice(to + named.length)
      .replace(
        new RegExp(`\\bCAST\\(${alias}\\.value AS (TEXT|VARCHAR)\\)`, 'gi'),
        () => `(${alias}.value ->> '$')`,
      );
    const before = text
      .slice(0, found.index)
      .replace(
        new RegExp(`\\bCAST\\(${alias}\\.value AS (TEXT|VARCHAR)\\)`, 'gi'),
        () => `(${alias}.value ->> '$')`,
      );
    text = before + made + after;
  }
  return text;
}

/** Lists count from 1 here. Of a column it is not known whether it holds a list or JSON, which counts from 0. */
function indexes(sql: string): string {
  const parts = sql.split(/('(?:[^']|'')*')/);
  return parts
    .map((part, at) =>
      at % 2 === 1
        ? part
        : part
            .replace(
              /(\bEND|\))\[(\d+)\]/g,
              (_all, before: string, index: string) => `${before}[${Number(index) + 1}]`,
            )
            .replace(/([A-Za-z_]\w*|")\[(\d+)\]/g, (all, before: string) => {
              if (/^END$/.test(before)) return all;
              throw unsupported(
                `the element ${all} of a column`,
                'Write it as a path (column:name[0]) or with GET(), or run this model on Snowflake',
              );
            }),
    )
    .join('');
}

const REWRITES = [flatten, indexes, casts, known] as const;

async function checkFunctions(sql: string, session: Session): Promise<void> {
  let there = FUNCTIONS.get(session);
  if (!there) {
    there = session
      .query<{ name: string }>('select distinct lower(function_name) as name from duckdb_functions()')
      .then((rows) => new Set(rows.map(({ name }) => name)));
    FUNCTIONS.set(session, there);
    there.catch(() => FUNCTIONS.delete(session));
  }
  const functions = await there;
  for (const { name } of callsOf(sql, /^/)) {
    const called = name.toLowerCase();
    if (!functions.has(called) && !SYNTAX.has(called)) throw unsupported(`the function ${name}`);
  }
}

/** What stands before a bracket and is no function. */
const SYNTAX = new Set(
  (
    'and or not in as on over from by values select exists any all some using when then else case where having filter cast ' +
    'try_cast interval decimal numeric varchar char coalesce nullif extract partition order group distinct union except ' +
    'intersect join lateral unnest pivot unpivot for exclude replace rename with within between like ilike limit offset is if ' +
    'struct map array row grouping sets rollup cube tablesample sample qualify position substring trim timestamp time date end ' +
    'materialized recursive columns ordinality into set'
  ).split(' '),
);

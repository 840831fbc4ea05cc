/** A bronze type as a tree: bronze names for what has one, DuckDB's names for the others. */
export type BronzeType =
  | { kind: 'scalar'; name: string }
  | { kind: 'decimal'; precision: number; scale: number }
  | { kind: 'list'; of: BronzeType; length?: number }
  | { kind: 'struct'; fields: { name: string; type: BronzeType }[] }
  | { kind: 'map'; key: BronzeType; value: BronzeType };

const DUCKDB: Record<string, string> = {
  text: 'VARCHAR',
  boolean: 'BOOLEAN',
  int32: 'INTEGER',
  int64: 'BIGINT',
  double: 'DOUBLE',
  date: 'DATE',
  time: 'TIME',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMPTZ',
  uuid: 'UUID',
  binary: 'BLOB',
  json: 'JSON',
};
const BRONZE: Record<string, string> = {
  ...Object.fromEntries(Object.entries(DUCKDB).map(([bronze, duckdb]) => [duckdb, bronze])),
  ...{ INT: 'int32', INT4: 'int32', INT8: 'int64', STRING: 'text', BOOL: 'boolean', BYTEA: 'binary' },
  ...{ 'TIMESTAMP WITH TIME ZONE': 'timestamptz', '"NULL"': 'null', NULL: 'null', FLOAT8: 'double' },
};

/** Reads a bronze type (`int64`) or one as DuckDB writes it (`STRUCT(a BIGINT, "b c" VARCHAR[])`). */
export function parseType(text: string): BronzeType {
  const source = text.trim();
  const suffix = /\[(\d*)\]$/.exec(source);
  if (suffix) {
    const of = parseType(source.slice(0, suffix.index));
    return { kind: 'list', of, ...(suffix[1] ? { length: Number(suffix[1]) } : {}) };
  }
  const decimal = /^(?:decimal|numeric)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)$/i.exec(source);
  if (decimal) return { kind: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2] ?? 0) };
  const nested = /^(struct|map)\s*\((.*)\)$/is.exec(source);
  if (nested) {
    const inner = splitTopLevel(nested[2] ?? '');
    if (nested[1]?.toLowerCase() === 'struct') return { kind: 'struct', fields: inner.map(parseField) };
    const [key = '', value = ''] = inner;
    return { kind: 'map', key: parseType(key), value: parseType(value) };
  }
  return {
    kind: 'scalar',
    name: BRONZE[source.toUpperCase()] ?? (source in DUCKDB ? source : source.toUpperCase()),
  };
}

/** @returns the type the way schemas of bronze have it: names inside nested types are DuckDB's */
export function printType(type: BronzeType): string {
  if (type.kind === 'scalar') return type.name;
  return type.kind === 'decimal' ? `decimal(${type.precision},${type.scale})` : printDuckDb(type);
}

/** @returns the bronze type as DuckDB writes it in a cast */
export const duckType = (type: string): string => printDuckDb(parseType(type));

function printDuckDb(type: BronzeType): string {
  switch (type.kind) {
    case 'scalar':
      return type.name === 'null' ? 'VARCHAR' : (DUCKDB[type.name] ?? type.name);
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`;
    case 'list':
      return `${printDuckDb(type.of)}[${type.length ?? ''}]`;
    case 'map':
      return `MAP(${printDuckDb(type.key)}, ${printDuckDb(type.value)})`;
    case 'struct':
      return `STRUCT(${type.fields.map(({ name, type: of }) => `"${name.replaceAll('"', '""')}" ${printDuckDb(of)}`).join(', ')})`;
  }
}

/** Two spellings of one type are the same: `decimal(10, 2)` and `DECIMAL(10,2)`. */
export const sameType = (a: string, b: string): boolean => a === b || duckType(a) === duckType(b);

/** @returns the narrowest type that holds every value of both exactly, or null when there is none but text */
export function widen(a: string, b: string): string | null {
  const wide = widenTypes(parseType(a), parseType(b));
  return wide && printType(wide);
}

function widenTypes(a: BronzeType, b: BronzeType): BronzeType | null {
  if (printDuckDb(a) === printDuckDb(b)) return a.kind === 'scalar' && a.name === 'null' ? b : a;
  if (a.kind === 'scalar' && a.name === 'null') return b;
  if (b.kind === 'scalar' && b.name === 'null') return a;
  if (a.kind === 'list' && b.kind === 'list') {
    const of = widenTypes(a.of, b.of);
    return of && { kind: 'list', of };
  }
  if (a.kind === 'map' && b.kind === 'map') {
    const [key, value] = [widenTypes(a.key, b.key), widenTypes(a.value, b.value)];
    return key && value && { kind: 'map', key, value };
  }
  if (a.kind === 'struct' && b.kind === 'struct') return widenStructs(a.fields, b.fields);
  return widenScalars(a, b) ?? widenScalars(b, a);
}

type Fields = Extract<BronzeType, { kind: 'struct' }>['fields'];

/** Fields that one of them lacks are null there; DuckDB tells fields apart without regard to case. */
function widenStructs(a: Fields, b: Fields): BronzeType | null {
  const fields = a.map((field) => ({ ...field }));
  for (const { name, type } of b) {
    const mine = fields.find((field) => field.name.toLowerCase() === name.toLowerCase());
    if (!mine) fields.push({ name, type });
    else {
      const wide = widenTypes(mine.type, type);
      if (!wide) return null;
      mine.type = wide;
    }
  }
  return { kind: 'struct', fields };
}

/** decimal digits of the largest value, and bits */
const INTEGERS: Record<string, { digits: number; bits: number; signed: boolean }> = {
  TINYINT: { digits: 3, bits: 8, signed: true },
  SMALLINT: { digits: 5, bits: 16, signed: true },
  int32: { digits: 10, bits: 32, signed: true },
  int64: { digits: 19, bits: 64, signed: true },
  UTINYINT: { digits: 3, bits: 8, signed: false },
  USMALLINT: { digits: 5, bits: 16, signed: false },
  UINTEGER: { digits: 10, bits: 32, signed: false },
  UBIGINT: { digits: 20, bits: 64, signed: false },
};
const SIGNED = ['TINYINT', 'SMALLINT', 'int32', 'int64'];

function widenScalars(a: BronzeType, b: BronzeType): BronzeType | null {
  const [left, right] = [digitsOf(a), digitsOf(b)];
  if (left && right) {
    if (a.kind === 'scalar' && b.kind === 'scalar') return widenIntegers(a.name, b.name);
    const scale = Math.max(left.scale, right.scale);
    const precision = Math.max(left.whole, right.whole) + scale;
    return precision <= 38 ? { kind: 'decimal', precision, scale } : null;
  }
  if (a.kind !== 'scalar' || b.kind !== 'scalar') return null;
  const bits = INTEGERS[a.name]?.bits;
  if (b.name === 'double' && (a.name === 'FLOAT' || (bits !== undefined && bits <= 32))) return b;
  if (b.name === 'FLOAT' && bits !== undefined && bits <= 32)
    return bits <= 16 ? b : { ...b, name: 'double' };
  return a.name === 'date' && b.name === 'timestamp' ? b : null;
}

function widenIntegers(a: string, b: string): BronzeType {
  const both = [INTEGERS[a], INTEGERS[b]].filter((one) => one !== undefined);
  if (both.every(({ signed }) => !signed)) {
    return { kind: 'scalar', name: (both[0]?.bits ?? 0) >= (both[1]?.bits ?? 0) ? a : b };
  }
  const needed = Math.max(...both.map(({ signed, bits }) => (signed ? bits : bits + 1)));
  const name = SIGNED.find((one) => (INTEGERS[one]?.bits ?? 0) >= needed);
  return name ? { kind: 'scalar', name } : { kind: 'decimal', precision: 20, scale: 0 };
}

function digitsOf(type: BronzeType): { whole: number; scale: number } | null {
  if (type.kind === 'decimal') return { whole: type.precision - type.scale, scale: type.scale };
  const integer = type.kind === 'scalar' ? INTEGERS[type.name] : undefined;
  return integer ? { whole: integer.digits, scale: 0 } : null;
}

function parseField(text: string): { name: string; type: BronzeType } {
  const source = text.trim();
  const quoted = /^"((?:[^"]|"")*)"\s+(.*)$/s.exec(source);
  if (quoted) return { name: (quoted[1] ?? '').replaceAll('""', '"'), type: parseType(quoted[2] ?? '') };
  const space = source.search(/\s/);
  return { name: source.slice(0, space), type: parseType(source.slice(space + 1)) };
}

/** Splits at commas that are in no parentheses and no quotes. */
function splitTopLevel(text: string): string[] {
  const parts: string[] = [];
  let [depth, start, quoted] = [0, 0, false];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (char === ',' && depth === 0) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}

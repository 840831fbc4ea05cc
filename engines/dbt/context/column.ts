import { quoteIdent } from '../../warehouse/port.js';
import { Arguments } from '../jinja/arguments.js';
import { JinjaFault } from '../jinja/fault.js';
import {
  isNumber,
  PyObject,
  repr,
  str,
  toNumber,
  type JinjaFunction,
  type Kwargs,
  type Value,
} from '../jinja/values.js';

const words = (text: string): ReadonlySet<string> => new Set(text.split('|'));
const STRING = words('text|character varying|character|varchar');
const INTEGER = words(
  'smallint|integer|bigint|smallserial|serial|bigserial|int2|int4|int8|serial2|serial4|serial8|int|' +
    'tinyint|hugeint|utinyint|usmallint|uinteger|ubigint|int1|short|signed|long|byteint',
);
const FLOAT = words('real|float4|float|double precision|float8|double');
const NUMERIC = words('numeric|decimal|number');

/** what a number of that length or scale is, where it is given */
interface Size {
  char?: number | null;
  precision?: number | null;
  scale?: number | null;
}

/** dbt's name of a column class: `DuckDBColumn` */
const CLASS_NAMES: Record<string, string> = {
  duckdb: 'DuckDBColumn',
  postgres: 'PostgresColumn',
  snowflake: 'SnowflakeColumn',
};

/** A column of a relation, as `adapter.get_columns_in_relation` gives it. */
export class Column extends PyObject {
  readonly typeName: string;

  constructor(
    readonly name: string,
    readonly dataType: string,
    private readonly size: Size = {},
    private readonly adapter = 'duckdb',
  ) {
    super();
    this.typeName = CLASS_NAMES[adapter] ?? 'Column';
  }

  override attribute(name: string): Value | undefined {
    switch (name) {
      case 'name':
      case 'column':
        return this.name;
      case 'quoted':
        return quoteIdent(this.name);
      case 'dtype':
        return this.dataType;
      case 'data_type':
      case 'expanded_data_type':
        return this.fullType;
      case 'char_size':
        return this.size.char ?? null;
      case 'numeric_precision':
        return this.size.precision ?? null;
      case 'numeric_scale':
        return this.size.scale ?? null;
      case 'fields':
        return this.fields();
      case 'is_string':
        return () => this.is(STRING);
      case 'is_integer':
        return () => this.is(INTEGER);
      case 'is_float':
        return () => this.is(FLOAT);
      case 'is_numeric':
        return () => this.is(NUMERIC);
      case 'is_number':
        return () => [INTEGER, FLOAT, NUMERIC].some((type) => this.is(type));
      case 'is_struct':
        return () => this.isStruct;
      case 'flatten':
        return () => this.flatten();
      case 'string_size':
        return () => {
          if (!this.is(STRING)) throw new JinjaFault('Called string_size() on non-string field!');
          return this.stringSize;
        };
      case 'can_expand_to':
        return (args) => {
          const [other] = args;
          if (!(other instanceof Column)) throw new JinjaFault('can_expand_to() needs a column');
          return other.isLongerThan(this);
        };
      case 'literal':
        return (args) => `${str(args[0] ?? null)}::${this.fullType}`;
      default:
        return new ColumnClass(this.adapter).attribute(name);
    }
  }

  /** both are texts, and this is the longer one */
  isLongerThan(other: Column): boolean {
    return this.is(STRING) && other.is(STRING) && this.stringSize > other.stringSize;
  }

  private is(types: ReadonlySet<string>): boolean {
    return types.has(this.dataType.toLowerCase());
  }

  /** dbt takes every text to have a length: 256 when it is not known */
  private get stringSize(): number {
    return this.dataType === 'text' ? 256 : (this.size.char ?? 256);
  }

  private get fullType(): string {
    if (this.is(STRING)) return `character varying(${this.stringSize})`;
    const { precision = null, scale = null } = this.size;
    return this.is(NUMERIC) && precision !== null && scale !== null
      ? `${this.dataType}(${precision},${scale})`
      : this.dataType;
  }

  get isStruct(): boolean {
    return /^struct/i.test(this.dataType);
  }

  private fields(): Column[] {
    const inside = /^struct\((.*)\)$/is.exec(this.dataType)?.[1];
    if (inside === undefined) return [];
    const parts: string[] = [];
    let depth = 0;
    let part = '';
    for (const char of inside) {
      if (char === '(') depth++;
      if (char === ')') depth--;
      if (char === ',' && depth === 0) {
        parts.push(part.trim());
        part = '';
      } else part += char;
    }
    parts.push(part.trim());
    return parts.map((each) => {
      const [, name = '', type = ''] = /^("(?:[^"]|"")*"|\S+)\s+(.*)$/s.exec(each) ?? [];
      return new Column(name, type, {}, this.adapter);
    });
  }

  /** the fields of a struct, however deep, each under its path; any other column is itself */
  flatten(): Column[] {
    if (!this.isStruct) return [this];
    return this.fields()
      .flatMap((field) => field.flatten())
      .map(({ name, dataType }) => new Column(`${this.name}.${name}`, dataType, {}, this.adapter));
  }

  override equals(other: Value): boolean {
    return other instanceof Column && other.toString() === this.toString();
  }

  override toString(): string {
    const { char = null, precision = null, scale = null } = this.size;
    const fields = this.adapter === 'duckdb' ? `, fields=${repr(this.fields())}` : '';
    return (
      `${this.typeName}(column=${repr(this.name)}, dtype=${repr(this.dataType)}, char_size=${repr(char)}, ` +
      `numeric_precision=${repr(precision)}, numeric_scale=${repr(scale)}${fields})`
    );
  }
}

/** what a column class writes for dbt's names of types; all others stay as they are */
const TYPE_NAMES: Record<string, Record<string, string>> = {
  duckdb: { STRING: 'TEXT' },
  postgres: { STRING: 'TEXT' },
  snowflake: { STRING: 'VARCHAR' },
};

/** `api.Column`: makes columns, and writes types. */
export class ColumnClass extends PyObject {
  readonly typeName = 'type';

  constructor(private readonly adapter: string) {
    super();
  }

  override call(args: Value[], kwargs: Kwargs): Value {
    const given = new Arguments('api.Column()', args, kwargs);
    const size = (index: number, name: string): number | null => {
      const value = given.value(index, name, null);
      return isNumber(value) ? toNumber(value) : null;
    };
    return new Column(
      given.text(0, 'column'),
      given.text(1, 'dtype'),
      {
        char: size(2, 'char_size'),
        precision: size(3, 'numeric_precision'),
        scale: size(4, 'numeric_scale'),
      },
      this.adapter,
    );
  }

  private translate(type: string): string {
    return TYPE_NAMES[this.adapter]?.[type.toUpperCase()] ?? type;
  }

  override attribute(name: string): Value | undefined {
    const methods: Record<string, JinjaFunction> = {
      translate_type: (args) => this.translate(str(args[0] ?? '')),
      create: (args, kwargs) => {
        const given = new Arguments('api.Column.create()', args, kwargs);
        const type = this.translate(given.text(1, 'label_or_dtype'));
        return new Column(given.text(0, 'name'), type, {}, this.adapter);
      },
      string_type: (args) => `character varying(${str(args[0] ?? null)})`,
      numeric_type: (args) => {
        const [type = '', precision = null, scale = null] = args;
        return precision === null || scale === null ? type : `${str(type)}(${str(precision)},${str(scale)})`;
      },
      from_description: (args) => fromDescription(str(args[0] ?? ''), str(args[1] ?? ''), this.adapter),
    };
    return Object.hasOwn(methods, name) ? methods[name] : undefined;
  }

  override toString(): string {
    return `<class '${CLASS_NAMES[this.adapter] ?? 'Column'}'>`;
  }
}

/** `numeric(10,2)` apart */
function fromDescription(name: string, described: string, adapter: string): Column {
  const [, type = described, sizes] = /^([^(]+)(?:\(([^)]+)\))?/.exec(described) ?? [];
  const numbers = sizes?.split(',').map(Number) ?? [];
  if (numbers.some(Number.isNaN)) throw new JinjaFault(`Could not interpret data_type "${described}"`);
  const [first = null, second] = numbers;
  return second === undefined
    ? new Column(name, type, { char: first }, adapter)
    : new Column(name, type, { precision: first, scale: second }, adapter);
}

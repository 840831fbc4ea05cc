import type { Answer, ColumnInfo, Row } from '../../warehouse/port.js';
import { Arguments } from '../jinja/arguments.js';
import { callValue } from '../jinja/evaluate.js';
import { JinjaFault } from '../jinja/fault.js';
import { toJson } from '../jinja/json.js';
import {
  compare,
  Decimal,
  equal,
  float,
  fromPlain,
  integer,
  isNumber,
  iterate,
  PyObject,
  repr,
  str,
  truthy,
  tuple,
  type Value,
} from '../jinja/values.js';
import { DateTime } from './datetime.js';
import { Mapped } from './mapped-sequence.js';

/** agate's names of types, as `print_structure` shows them */
type TypeName = 'Integer' | 'Number' | 'Boolean' | 'Date' | 'DateTime' | 'Text';

/** A cell as dbt's tables have it: whole numbers, exact decimals, dates and times, and texts. */
function cellOf(value: unknown, type: string): Value {
  if (value === null || value === undefined) return null;
  if (/^(date)$/i.test(type)) return DateTime.fromIso(str(value as Value));
  if (/^timestamp|^datetime/i.test(type)) return asTime(str(value as Value));
  if (typeof value === 'number')
    return /^(float|double|real|decimal|numeric)/i.test(type) ? new Decimal(repr(float(value))) : value;
  if (typeof value === 'bigint') return integer(value);
  if (typeof value === 'string' && /^(decimal|numeric|number|u?bigint|u?hugeint|u?int128)/i.test(type)) {
    const isWhole = /^-?\d+$/.test(value) && !/^(decimal|numeric)/i.test(type);
    return isWhole ? integer(BigInt(value)) : new Decimal(value);
  }
  if (typeof value === 'object') return toJson(fromPlain(value));
  return fromPlain(value);
}

function asTime(text: string): Value {
  try {
    const { ms, zone } = DateTime.fromIso(text);
    return new DateTime(ms, false, zone);
  } catch {
    // infinity and years beyond 9999 have no date in Python either
    return text;
  }
}

function typeOf(cells: Value[]): TypeName {
  const known = cells.filter((cell) => cell !== null);
  const all = (test: (cell: Value) => boolean): boolean => known.every(test);
  if (all((cell) => typeof cell === 'bigint' || (typeof cell === 'number' && Number.isInteger(cell))))
    return 'Integer';
  if (all((cell) => isNumber(cell) && typeof cell !== 'boolean')) return 'Number';
  if (all((cell) => cell instanceof DateTime && cell.typeName === 'date')) return 'Date';
  if (all((cell) => cell instanceof DateTime)) return 'DateTime';
  if (all((cell) => typeof cell === 'boolean')) return 'Boolean';
  return 'Text';
}

/** The result of a query in the middle of a template: the part of agate's Table that projects use. */
export class Table extends PyObject {
  readonly typeName = 'Table';
  readonly rows: TableRow[];

  constructor(
    readonly names: string[],
    cells: Value[][],
  ) {
    super();
    this.rows = cells.map((row) => new TableRow(names, row));
  }

  static of({ columns, rows }: { columns: ColumnInfo[]; rows: Row[] } | Answer): Table {
    return new Table(
      columns.map(({ name }) => name),
      rows.map((row) => columns.map(({ name, type }) => cellOf(row[name], type))),
    );
  }

  column(index: number): TableColumn | undefined {
    const name = this.names.at(index);
    if (name === undefined) return undefined;
    const at = index < 0 ? index + this.names.length : index;
    return new TableColumn(
      name,
      at,
      this.rows.map(({ cells }) => cells[at] as Value),
    );
  }

  /** where columns of these names (or numbers) stand */
  private places(keys: Value): number[] {
    return (typeof keys === 'string' ? [keys] : [...iterate(keys)]).map((key) => {
      const at = typeof key === 'number' ? key : this.names.indexOf(str(key));
      if (at < 0 || at >= this.names.length) throw new JinjaFault(`The table has no column ${repr(key)}`);
      return at;
    });
  }

  private pick(places: number[]): Table {
    return new Table(
      places.map((at) => this.names[at] as string),
      this.rows.map(({ cells }) => places.map((at) => cells[at] as Value)),
    );
  }

  private keep(rows: TableRow[]): Table {
    return new Table(
      this.names,
      rows.map(({ cells }) => cells),
    );
  }

  private rename(given: Arguments): Table {
    const to = given.value(0, 'column_names', null);
    const names = this.names.map((name, index) => {
      if (to instanceof Map) return str(to.get(name) ?? name);
      return Array.isArray(to) ? str(to[index] ?? name) : name;
    });
    return new Table(
      names,
      this.rows.map(({ cells }) => cells),
    );
  }

  private orderBy(given: Arguments): Table {
    const key = given.value(0, 'key');
    const [at] = typeof key === 'string' || typeof key === 'number' ? this.places([key]) : [];
    const of = (row: TableRow): Value =>
      at === undefined ? callValue(key, [row]) : (row.cells[at] as Value);
    // None comes last, as agate sorts it
    const order = (a: Value, b: Value): number =>
      a === null || b === null ? Number(a === null) - Number(b === null) : compare(a, b);
    const rows = [...this.rows].sort((a, b) => order(of(a), of(b)));
    return this.keep(given.flag(1, 'reverse') ? rows.reverse() : rows);
  }

  private distinct(given: Arguments): Table {
    const key = given.value(0, 'key', null);
    const places =
      key === null ? this.names.map((_, at) => at) : this.places(typeof key === 'number' ? [key] : key);
    const seen = new Set<string>();
    return this.keep(
      this.rows.filter(({ cells }) => {
        const text = repr(places.map((at) => cells[at] as Value));
        if (seen.has(text)) return false;
        seen.add(text);
        return true;
      }),
    );
  }

  override attribute(name: string): Value | undefined {
    switch (name) {
      case 'rows':
        return new Mapped(
          'rows',
          this.rows.map((_, index) => String(index)),
          this.rows,
        );
      case 'columns':
        return new Mapped(
          'columns',
          this.names,
          this.names.map((_, index) => this.column(index) as Value),
        );
      case 'column_names':
        return tuple(...this.names);
      case 'column_types':
        return tuple(...this.names.map((_, index) => (this.column(index) as TableColumn).dataType));
      default:
        break;
    }
    const methods: Record<string, (given: Arguments) => Value> = {
      select: (given) => this.pick(this.places(given.value(0, 'key'))),
      exclude: (given) => {
        const gone = this.places(given.value(0, 'key'));
        return this.pick(this.names.map((_, at) => at).filter((at) => !gone.includes(at)));
      },
      rename: (given) => this.rename(given),
      limit: (given) => {
        const [first, second] = [given.optionalNumber(0, 'start_or_stop'), given.optionalNumber(1, 'stop')];
        return this.keep(
          second === null ? this.rows.slice(0, first ?? undefined) : this.rows.slice(first ?? 0, second),
        );
      },
      where: (given) =>
        this.keep(this.rows.filter((row) => truthy(callValue(given.value(0, 'test'), [row])))),
      find: (given) => this.rows.find((row) => truthy(callValue(given.value(0, 'test'), [row]))) ?? null,
      order_by: (given) => this.orderBy(given),
      distinct: (given) => this.distinct(given),
      // these write to dbt's own output, which has no place here
      print_table: () => '',
      print_csv: () => '',
      print_json: () => '',
      print_structure: () => '',
    };
    const method = methods[name];
    return method && ((args, kwargs) => method(new Arguments(`Table.${name}()`, args, kwargs)));
  }

  override item(key: Value): Value | undefined {
    return typeof key === 'number' ? this.rows.at(key) : super.item(key);
  }

  override iterate(): Iterable<Value> {
    return this.rows;
  }

  /** agate prints the structure of a table, not its rows */
  override toString(): string {
    const lines = this.names.map(
      (name, index) => [name, (this.column(index) as TableColumn).dataType] as const,
    );
    const width = Math.max(6, ...lines.map(([name]) => name.length));
    const typeWidth = Math.max(9, ...lines.map(([, type]) => type.length));
    const line = (name: string, type: string): string =>
      `| ${name.padEnd(width)} | ${type.padEnd(typeWidth)} |`;
    return [
      line('column', 'data_type'),
      `| ${'-'.repeat(width)} | ${'-'.repeat(typeWidth)} |`,
      ...lines.map(([name, type]) => line(name, type)),
      '',
    ].join('\n');
  }
}

export class TableRow extends Mapped {
  override readonly typeName = 'Row';
  constructor(names: readonly string[], cells: Value[]) {
    super('Row', names, cells);
  }
}

class TableColumn extends Mapped {
  override readonly typeName = 'Column';
  readonly dataType: TypeName;
  constructor(
    readonly name: string,
    private readonly place: number,
    cells: Value[],
  ) {
    super('Column', [], cells);
    this.dataType = typeOf(cells);
  }
  override attribute(name: string): Value | undefined {
    const without = (): Value[] => this.cells.filter((cell) => cell !== null);
    switch (name) {
      case 'name':
        return this.name;
      case 'index':
        return this.place;
      case 'data_type':
        return this.dataType;
      case 'values_without_nulls':
        return () => tuple(...without());
      case 'values_sorted':
        return () => [...without().sort(compare), ...this.cells.filter((cell) => cell === null)];
      case 'values_distinct':
        return () =>
          tuple(...this.cells.filter((cell, at) => this.cells.findIndex((each) => equal(each, cell)) === at));
      case 'values_without_nulls_sorted':
        return () => without().sort(compare);
      default:
        return super.attribute(name);
    }
  }
}

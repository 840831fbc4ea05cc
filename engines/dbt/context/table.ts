import type { Answer, Row } from '../../warehouse/port.js';
import { fromPlain, PyObject, str, tuple, type JinjaFunction, type Value } from '../jinja/values.js';

/** The result of a query in the middle of a template: the part of agate's Table that projects use. */
export class Table extends PyObject {
  readonly typeName = 'Table';
  readonly names: string[];
  readonly rows: TableRow[];

  constructor(rows: Row[], names: string[] = Object.keys(rows[0] ?? {})) {
    super();
    this.names = names;
    this.rows = rows.map(
      (row) =>
        new TableRow(
          names,
          names.map((name) => fromPlain(row[name])),
        ),
    );
  }

  static of({ columns, rows }: Answer): Table {
    return new Table(
      rows,
      columns.map(({ name }) => name),
    );
  }

  override attribute(name: string): Value | undefined {
    switch (name) {
      case 'rows':
        return this.rows;
      case 'columns':
        return new TableColumns(this);
      case 'column_names':
        return tuple(...this.names);
      case 'print_table':
        return () => null;
      default:
        return undefined;
    }
  }

  override item(key: Value): Value | undefined {
    return typeof key === 'number' ? this.rows.at(key) : super.item(key);
  }

  override iterate(): Iterable<Value> {
    return this.rows;
  }

  override truthy(): boolean {
    return true;
  }

  override toString(): string {
    return `<Table ${this.names.join(', ')}: ${this.rows.length} rows>`;
  }
}

class TableRow extends PyObject {
  readonly typeName = 'Row';
  constructor(
    private readonly names: string[],
    readonly cells: Value[],
  ) {
    super();
  }
  override attribute(name: string): Value | undefined {
    const at = this.names.indexOf(name);
    if (at >= 0) return this.cells[at];
    const methods: Record<string, JinjaFunction> = {
      values: () => tuple(...this.cells),
      keys: () => tuple(...this.names),
      dict: () => new Map(this.names.map((key, index) => [key, this.cells[index] as Value])),
    };
    return Object.hasOwn(methods, name) ? methods[name] : undefined;
  }
  override item(key: Value): Value | undefined {
    return typeof key === 'number' ? this.cells.at(key) : super.item(key);
  }
  override iterate(): Iterable<Value> {
    return this.cells;
  }
  override toString(): string {
    return `<Row (${this.cells.map(str).join(', ')})>`;
  }
}

class TableColumns extends PyObject {
  readonly typeName = 'MappedSequence';
  constructor(private readonly table: Table) {
    super();
  }
  private column(index: number): Value | undefined {
    const name = this.table.names.at(index);
    if (name === undefined) return undefined;
    return new TableColumn(
      name,
      this.table.rows.map(({ cells }) => cells.at(index) as Value),
    );
  }
  override attribute(name: string): Value | undefined {
    const at = this.table.names.indexOf(name);
    if (at >= 0) return this.column(at);
    if (name === 'values') return () => [...this.iterate()];
    if (name === 'keys') return () => tuple(...this.table.names);
    return undefined;
  }
  override item(key: Value): Value | undefined {
    return typeof key === 'number' ? this.column(key) : super.item(key);
  }
  override iterate(): Iterable<Value> {
    return this.table.names.map((_, index) => this.column(index) as Value);
  }
  override toString(): string {
    return `<columns ${this.table.names.join(', ')}>`;
  }
}

class TableColumn extends PyObject {
  readonly typeName = 'Column';
  constructor(
    readonly name: string,
    private readonly cells: Value[],
  ) {
    super();
  }
  override attribute(name: string): Value | undefined {
    if (name === 'name') return this.name;
    return name === 'values' ? () => tuple(...this.cells) : undefined;
  }
  override item(key: Value): Value | undefined {
    return typeof key === 'number' ? this.cells.at(key) : super.item(key);
  }
  override iterate(): Iterable<Value> {
    return this.cells;
  }
  override toString(): string {
    return `<column ${this.name}>`;
  }
}

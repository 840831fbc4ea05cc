import { quoteIdent } from '../../warehouse/port.js';
import { PyObject, type Value } from '../jinja/values.js';

const STRING = /^(text|varchar|character varying|char|character|string)\b/i;
const INTEGER = /^(u?(tiny|small|big|huge)int|u?integer|int\d*|short|long)$/i;
const FLOAT = /^(real|float\d*|double( precision)?)$/i;
const NUMERIC = /^(numeric|decimal)\b/i;

/** A column of a relation, as `adapter.get_columns_in_relation` gives it. */
export class Column extends PyObject {
  readonly typeName = 'DuckDBColumn';

  constructor(
    readonly name: string,
    readonly dataType: string,
  ) {
    super();
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
        // dbt writes every text as long as it takes the column to be
        return this.isString ? 'character varying(256)' : this.dataType;
      case 'char_size':
        return null;
      case 'is_string':
        return () => this.isString;
      case 'is_integer':
        return () => INTEGER.test(this.dataType);
      case 'is_float':
        return () => FLOAT.test(this.dataType);
      case 'is_numeric':
        return () => NUMERIC.test(this.dataType);
      case 'is_number':
        return () => [INTEGER, FLOAT, NUMERIC].some((type) => type.test(this.dataType));
      case 'string_size':
        return () => 256;
      // dbt takes every text of DuckDB to have the same length, so none is ever longer than another
      case 'can_expand_to':
        return () => false;
      default:
        return undefined;
    }
  }

  private get isString(): boolean {
    return STRING.test(this.dataType);
  }

  override toString(): string {
    return `<Column ${this.name} (${this.dataType})>`;
  }
}

import type { Answer } from '../../warehouse/port.js';
import { Arguments } from '../jinja/arguments.js';
import { JinjaFault } from '../jinja/fault.js';
import { PyObject, str, tuple, type Dict, type JinjaFunction, type Value } from '../jinja/values.js';
import { Table } from './table.js';

/** What the warehouse said of a statement: prints as its message. */
export class Response extends PyObject {
  readonly typeName = 'AdapterResponse';
  constructor(
    private readonly message: Value,
    private readonly code: Value,
    private readonly rows: Value,
    private readonly queryId: Value = null,
  ) {
    super();
  }
  static of({ changed, rows, queryId }: Answer, fetched: boolean): Response {
    return new Response('OK', 'OK', fetched ? rows.length : changed, queryId ?? null);
  }
  override attribute(name: string): Value | undefined {
    const fields: Record<string, Value> = {
      _message: this.message,
      code: this.code,
      rows_affected: this.rows,
      query_id: this.queryId,
    };
    return Object.hasOwn(fields, name) ? fields[name] : undefined;
  }
  override toString(): string {
    return str(this.message);
  }
}

/** The results of statements, by the names they were given: `store_result`, `store_raw_result`, `load_result`. */
export function statementResults(): Record<string, JinjaFunction> {
  const results = new Map<string, Dict | null>();
  const store = (name: string, response: Value, given: Value): string => {
    const table = given instanceof Table ? given : new Table([], []);
    results.set(
      name,
      new Map<Value, Value>([
        ['response', response],
        ['data', table.rows.map(({ cells }) => tuple(...cells))],
        ['table', table],
      ]),
    );
    return '';
  };
  return {
    store_result: (args, kwargs) => {
      const given = new Arguments('store_result()', args, kwargs);
      return store(
        given.text(0, 'name'),
        given.value(1, 'response', null),
        given.value(2, 'agate_table', null),
      );
    },
    store_raw_result: (args, kwargs) => {
      const given = new Arguments('store_raw_result()', args, kwargs);
      const [message, code, rows] = ['message', 'code', 'rows_affected'].map((name, index) =>
        given.value(index + 1, name, null),
      ) as [Value, Value, Value];
      return store(
        given.text(0, 'name'),
        new Response(message, code, rows),
        given.value(4, 'agate_table', null),
      );
    },
    load_result: (args, kwargs, site) => {
      const name = new Arguments('load_result()', args, kwargs).text(0, 'name');
      const found = results.get(name);
      if (found === null)
        throw new JinjaFault(
          `The 'statement' result named '${name}' has already been loaded into a variable`,
          site,
          'Keep it in a variable: {% set result = load_result(…) %}',
        );
      // as in dbt: every result but the main one is given away once
      if (found && name !== 'main') results.set(name, null);
      return found ?? null;
    },
  };
}

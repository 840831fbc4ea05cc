import type { Arguments } from './arguments.js';
import type { Kwargs, Value } from './values.js';

/** What filters that look inside items need of the evaluator. */
export interface FilterHost {
  filter(name: string, input: Value, args: Value[], kwargs: Kwargs): Value;
  attribute(of: Value, name: string): Value;
  item(of: Value, index: Value): Value;
}
export type Filter = (input: Value, given: Arguments, host: FilterHost) => Value;

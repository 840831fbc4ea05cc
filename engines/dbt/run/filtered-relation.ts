import { Relation } from '../context/relation.js';
import { fromPlain, type Dict, type Value } from '../jinja/values.js';

/** One part of a microbatch model. */
export interface Batch {
  /** of the hour, day, month or year, as dbt names it */
  id: string;
  start: Date;
  end: Date;
  /** the condition that rows of this batch meet */
  filter(column: string): string;
}

/** `2024-03-01 00:00:00+00:00`, as Python prints a time with its zone */
export const pythonTime = (at: Date): string => `${at.toISOString().slice(0, 19).replace('T', ' ')}+00:00`;

export const batchFilter =
  (start: Date, end: Date) =>
  (column: string): string =>
    `${column} >= '${pythonTime(start)}' and ${column} < '${pythonTime(end)}'`;

/** `model.batch` */
export const batchDict = ({ id, start, end }: Batch): Dict =>
  fromPlain({ id, event_time_start: pythonTime(start), event_time_end: pythonTime(end) }) as Dict;

/** A relation that prints as a part of its rows; `.render()` gives the plain name. */
export class FilteredRelation extends Relation {
  constructor(
    private readonly whole: Relation,
    private readonly limit: number | null,
    private readonly filter: string | null,
    /** Postgres wants every subquery to have a name */
    private readonly named: boolean,
  ) {
    super(whole.parts);
  }

  override attribute(name: string): Value | undefined {
    if (name === 'render') return () => this.whole.toString();
    return this.whole.attribute(name);
  }

  override toString(): string {
    const alias = (kind: string): string =>
      this.named ? ` _dbt_${kind}_subq_${this.whole.parts.identifier ?? ''}` : '';
    let text = this.whole.toString();
    if (this.limit === 0) text = `(select * from ${text} where false limit 0)${alias('limit')}`;
    else if (this.limit !== null) text = `(select * from ${text} limit ${this.limit})${alias('limit')}`;
    if (this.filter !== null) text = `(select * from ${text} where ${this.filter})${alias('et_filter')}`;
    return text;
  }
}

import type { Kwargs, Value } from '../jinja/values.js';
import type { Queries } from './queries.js';

/** What `adapter` needs of the context it is part of. */
export interface AdapterHost {
  /** null while the project is read: nothing is asked then */
  queries: Queries | null;
  database: string;
  type: string;
  /** dbt's behaviour flags */
  behavior: Value;
  /** `quoting:` of dbt_project.yml */
  quoting: Readonly<Record<string, unknown>>;
  /** @returns the macro, callable */
  dispatch(name: string, namespace: string | null): Value | undefined;
  /** where `dispatch` has looked */
  attempts(name: string, namespace: string | null): string[];
  macroNames(): Iterable<string>;
  /** runs a macro by its name, the project's own version before dbt's */
  macro(name: string, args: Value[], kwargs?: Kwargs): Value;
}

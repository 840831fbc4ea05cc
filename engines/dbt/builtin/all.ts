import { CROSS_DATABASE } from './cross-database.js';
import { NAMING } from './naming.js';
import { TESTS } from './tests.js';

/** Every macro that is always there, by the file name its errors show. A project's macro of the same name wins. */
export const BUILT_IN_MACROS: Readonly<Record<string, string>> = {
  'dbt/tests.sql': TESTS,
  'dbt/naming.sql': NAMING,
  'dbt/cross_database.sql': CROSS_DATABASE,
};

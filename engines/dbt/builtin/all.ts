import { CLONE } from './clone.js';
import { COLUMNS } from './columns.js';
import { CONTRACTS } from './contracts.js';
import { CROSS_DATABASE } from './cross-database.js';
import { DROP_RENAME } from './drop-rename.js';
import { FRESHNESS } from './freshness.js';
import { GENERAL } from './general.js';
import { INCREMENTAL } from './incremental.js';
import { NAMING } from './naming.js';
import { POSTGRES } from './postgres.js';
import { RELATION_NAMES } from './relation-names.js';
import { SEEDS } from './seeds.js';
import { SNAPSHOTS } from './snapshots.js';
import { RELATIONS } from './relations.js';
import { REPLACE } from './replace.js';
import { SNOWFLAKE_EXPRESSIONS } from './snowflake-expressions.js';
import { SNOWFLAKE } from './snowflake.js';
import { TESTS } from './tests.js';
import { UNIT_TESTS } from './unit-tests.js';

/** Every macro that is always there, by the file name its errors show. A project's macro of the same name wins. */
export const BUILT_IN_MACROS: Readonly<Record<string, string>> = {
  'dbt/tests.sql': TESTS,
  'dbt/naming.sql': NAMING,
  'dbt/cross_database.sql': CROSS_DATABASE,
  'dbt/seeds.sql': SEEDS,
  'dbt/freshness.sql': FRESHNESS,
  'dbt/unit_tests.sql': UNIT_TESTS,
  'dbt/snapshots.sql': SNAPSHOTS,
  'dbt/general.sql': GENERAL,
  'dbt/relations.sql': RELATION_NAMES,
  'dbt/columns.sql': COLUMNS,
  'dbt/drop_rename.sql': DROP_RENAME,
  'dbt/materializations.sql': RELATIONS,
  'dbt/replace.sql': REPLACE,
  'dbt/contracts.sql': CONTRACTS,
  'dbt/clone.sql': CLONE,
  'dbt/incremental.sql': INCREMENTAL,
  'dbt/postgres.sql': POSTGRES,
  'dbt/snowflake.sql': SNOWFLAKE,
  'dbt/snowflake_expressions.sql': SNOWFLAKE_EXPRESSIONS,
};

/** Whether a place in an error is in one of these texts, and not in a file that somebody can open. */
export const isBuiltIn = (file: string): boolean => file in BUILT_IN_MACROS;

import { readFileSync } from 'node:fs';
import { describe } from 'vitest';
import type { Warehouse } from '../../../engines/warehouse/port.js';
import type { SnowflakeAuth } from '../../../engines/warehouse/snowflake-options.js';
import { openSnowflake } from '../../../engines/warehouse/snowflake.js';
import { testAdapter } from './adapter-suite.js';
import { testDbtProject } from './dbt-suite.js';
import { testLoading } from './load-suite.js';

/** Set by hand for a check against a real account (docs/snowflake.md); nothing runs without it. */
const env = process.env;
const account = env['SNOWFLAKE_ACCOUNT'] ?? '';

function auth(): SnowflakeAuth {
  const key = env['SNOWFLAKE_PRIVATE_KEY_PATH'];
  if (key !== undefined)
    return {
      kind: 'key',
      privateKey: readFileSync(key, 'utf8'),
      passphrase: env['SNOWFLAKE_PRIVATE_KEY_PASSPHRASE'],
    };
  const token = env['SNOWFLAKE_TOKEN'];
  return token === undefined
    ? { kind: 'password', password: env['SNOWFLAKE_PASSWORD'] ?? '' }
    : { kind: 'oauth', token };
}

let count = 0;
/** A database of its own, which goes with it. */
async function open(): Promise<Warehouse> {
  const database = `MILLRACE_CHECK_${process.pid}_${count++}`;
  const { SNOWFLAKE_USER: user = '', SNOWFLAKE_WAREHOUSE: warehouse, SNOWFLAKE_ROLE: role } = env;
  const options = { account, user, auth: auth(), warehouse, role, connections: 4 };
  const first = await openSnowflake({ ...options, database: env['SNOWFLAKE_DATABASE'] ?? 'SNOWFLAKE' });
  await first.run(`create transient database ${database}`);
  await first.close();
  const opened = await openSnowflake({ ...options, database, schema: 'PUBLIC' });
  const close = opened.close.bind(opened);
  opened.close = async () => {
    await opened.run(`drop database if exists ${database}`);
    await close();
  };
  return opened;
}

describe.runIf(account !== '')('a real Snowflake account', () => {
  testAdapter('the suite of all adapters', {
    open,
    values: `select 1 as small, 9007199254740993 as large, 12.50::number(6,2) as amount, 0.25::float as ratio,
      '2024-02-29'::date as day, '10:00:00'::time as clock, '2024-02-29 10:00:00.5'::timestamp_ntz as moment,
      '2024-02-29 10:00:00 +01:00'::timestamp_tz as instant, true as yes, null as nothing, 'ü' as words,
      parse_json('{"a":1}') as document, to_binary('00ff', 'HEX') as bytes`,
    endless: 'select system$wait(60)',
    transactionalDdl: false,
    tellsLine: true,
    conflicts: true,
  });
  testDbtProject('dbt', open);
  testLoading('bronze', open);
});

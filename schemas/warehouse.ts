import { z } from 'zod';
import { Name, SecretRef } from './common.js';

const DuckDb = z.strictObject({
  /** one DuckDB file, written by one worker */
  kind: z.literal('duckdb'),
  /** file, relative to the project */
  path: z.string().min(1).default('.millrace/warehouse.duckdb'),
  /** the schema that models are published to; a model's own `schema` config is appended, as in dbt */
  schema: Name.default('main'),
  /** DuckDB's threads; by default one for each core */
  threads: z.int().min(1).optional(),
  /** what DuckDB may hold in memory before it spills to disk */
  memoryLimit: z
    .string()
    .regex(/^\d+(MB|GB)$/, "must be like '2GB'")
    .default('1GB'),
});

/** sessions that one worker opens at once; what finds none free waits */
const connections = z.int().min(1).max(64).default(8);

const Postgres = z.strictObject({
  /** a PostgreSQL database, written by any number of workers */
  kind: z.literal('postgres'),
  /** reference to `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=/path` */
  url: SecretRef,
  /** the schema that models are published to */
  schema: Name.default('public'),
  /** `SET ROLE` of every session */
  role: z.string().min(1).optional(),
  connections,
});

const SnowflakeLogin = z.union([
  z.strictObject({
    /** reference to the user's private key, PKCS#8 in PEM */
    privateKey: SecretRef,
    /** reference to its passphrase, where it is encrypted */
    passphrase: SecretRef.optional(),
  }),
  z.strictObject({
    /** reference to an OAuth access token */
    oauthToken: SecretRef,
  }),
  z.strictObject({
    /** reference to a programmatic access token */
    accessToken: SecretRef,
  }),
  z.strictObject({
    /** reference to the password; Snowflake asks a second factor of most users, so prefer a key */
    password: SecretRef,
  }),
]);

const Snowflake = z.strictObject({
  /** a database of a Snowflake account, written by any number of workers */
  kind: z.literal('snowflake'),
  /** `organisation-account`, or an account locator with its region */
  account: z.string().min(1),
  /** Snowflake's name of the user */
  user: z.string().min(1),
  /** how the user proves who it is: a private key, a token or a password */
  login: SnowflakeLogin,
  /** that models are built in */
  database: z.string().min(1),
  /** the schema that models are published to */
  schema: z.string().min(1).default('public'),
  /** the virtual warehouse that computes; by default the user's */
  warehouse: z.string().min(1).optional(),
  /** by default the user's */
  role: z.string().min(1).optional(),
  /** session parameters, such as `STATEMENT_TIMEOUT_IN_SECONDS` */
  parameters: z.record(z.string().regex(/^\w+$/), z.union([z.string(), z.number(), z.boolean()])).default({}),
  connections,
});

/** Where SQL runs and results are published. */
export const Warehouse = z.discriminatedUnion('kind', [DuckDb, Postgres, Snowflake]);
export type WarehouseSpec = z.infer<typeof Warehouse>;

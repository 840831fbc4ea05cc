import { z } from 'zod';
import { Duration, Name, SecretRef } from './common.js';
import { ContractInput, streamShape } from './stream.js';

/** How a table comes in. */
const Load = z.union([
  /** `full`: the whole table each run, in one snapshot; `cdc`: its changes, by the `replicate` workflow */
  z.enum(['full', 'cdc']),
  z.strictObject({
    /** column that grows when a row is new or changed; ties are safe */
    cursor: z.string().min(1),
    /** rows so far behind the newest are read again: for transactions that commit late; the key then keeps them single */
    lag: Duration.optional(),
    /** first value, inclusive; without it from the beginning */
    from: z.union([z.string(), z.number()]).optional(),
  }),
]);

const PostgresTable = z.strictObject({
  ...streamShape,
  /**
   * what may change of the table's shape; by default `freeze`, and `evolve` for `cdc`: one `ALTER TABLE` must not stop the
   * replication of all tables
   */
  contract: ContractInput.optional(),
  /** `schema.table` or `table` of the search path; by default the stream's name */
  table: z.string().min(1).optional(),
  /** `full`: the whole table each run, in one snapshot; `cdc`: its changes, by the `replicate` workflow; or what is new by a cursor */
  load: Load.default('full'),
  /** columns that tell its rows apart; by default the primary key */
  key: z.array(z.string().min(1)).min(1).optional(),
  /** condition in SQL that rows must meet */
  where: z.string().min(1).optional(),
  /** columns that are read; by default all */
  select: z.array(z.string().min(1)).min(1).optional(),
});
const PostgresStream = PostgresTable.transform((given) => {
  const mode = given.load === 'cdc' ? 'evolve' : 'freeze';
  return { ...given, contract: given.contract ?? { columns: mode, types: mode } };
});
export type PostgresStream = z.infer<typeof PostgresStream>;

const Replication = z.strictObject({
  /** logical replication slot; by default `millrace_<project>_<source>` */
  slot: Name.optional(),
  /** publication, named likewise */
  publication: Name.optional(),
  /** a change is durable in bronze after so long at most */
  flushEvery: Duration.default('5s'),
  /** or after so many changes */
  flushChanges: z.int().min(1).default(100_000),
  /** rows a chunk of the initial copy */
  chunkRows: z.int().min(1).default(200_000),
  /** chunks copied at once */
  snapshotWorkers: z.int().min(1).max(16).default(2),
  /** WAL that the slot holds back, in megabytes, from which the run's details and metrics alert */
  alertWalMegabytes: z.int().min(1).default(1024),
});
export type Replication = z.infer<typeof Replication>;

export const PostgresSource = z.strictObject({
  /** tables of a PostgreSQL database, version 13 or later */
  kind: z.literal('postgres'),
  /** `postgres://user:password@host:port/database?sslmode=verify-full`, as a reference to a secret */
  url: SecretRef,
  /** of change data capture */
  replication: Replication.default(Replication.parse({})),
  /** streams extracted at once */
  concurrency: z.int().min(1).max(64).default(4),
  /** tables, by name */
  streams: z.record(Name, PostgresStream),
});
export type PostgresSource = z.infer<typeof PostgresSource>;

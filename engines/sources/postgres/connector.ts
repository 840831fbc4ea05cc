import { MillraceError } from '../../../schemas/errors.js';
import type { PostgresSource, PostgresStream } from '../../../schemas/postgres.js';
import type { Connector } from '../connector.js';
import { loadFull } from './full.js';
import { loadIncrement } from './incremental.js';

/** One load of a table: what is new of it is found when it is read, so there is always one. */
export interface TableUnit {
  table: string;
}

/** Full and incremental loads of a table; changes (`load: 'cdc'`) are another workflow's. */
export function postgresConnector(source: PostgresSource, name: string): Connector<TableUnit> {
  const stream = source.streams[name] as PostgresStream;
  const { load } = stream;
  if (load === 'cdc') {
    throw new MillraceError('ProjectInvalid', {
      what: `The stream '${name}' is replicated, and has no loads`,
      fix: 'Its changes come in by the workflow that replicates its source',
    });
  }
  return {
    plan: () => Promise.resolve([{ table: stream.table ?? name }]),
    load: ({ table }, context) => {
      const input = { source, stream, table, context };
      return load === 'full' ? loadFull(input) : loadIncrement(input, load);
    },
  };
}

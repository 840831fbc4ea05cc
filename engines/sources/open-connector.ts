import { MillraceError } from '../../schemas/errors.js';
import type { Source } from '../../schemas/source.js';
import { nearest } from '../nearest.js';
import type { StagedBatch } from '../lake/bronze.js';
import type { Connector, LoadContext } from './connector.js';

/**
 * The connector of a stream. What it loads has the columns that the stream's disposition names as keys.
 *
 * @throws MillraceError while loading: ProjectInvalid for a key that is no column
 */
export async function openConnector(source: Source, stream: string): Promise<Connector<unknown>> {
  const connector = await connectorOf(source, stream);
  const keys = keysOf(source, stream);
  if (keys.length === 0) return connector;
  return {
    plan: (context) => connector.plan(context),
    async *load(unit, context) {
      for await (const staged of connector.load(unit, context)) {
        for (const one of staged) assertKeys(one, keys, context);
        yield staged;
      }
    },
  };
}

/** Each kind is loaded when it is first asked for: their libraries are large. */
async function connectorOf(source: Source, stream: string): Promise<Connector<unknown>> {
  switch (source.kind) {
    case 'files': {
      const { filesConnector } = await import('./files-connector.js');
      return filesConnector(source, stream);
    }
    case 'postgres': {
      const { postgresConnector } = await import('./postgres/connector.js');
      return postgresConnector(source, stream);
    }
    case 'rest': {
      const { restConnector } = await import('./rest/connector.js');
      return restConnector(source, stream);
    }
  }
}

function keysOf(source: Source, stream: string): string[] {
  const declared = source.streams[stream];
  const disposition = declared && 'disposition' in declared ? declared.disposition : undefined;
  if (typeof disposition !== 'object') return [];
  return 'merge' in disposition ? disposition.merge : disposition.scd2;
}

/** Bronze only grows, so a batch that no relation could be made of must not go in. */
function assertKeys({ batch }: StagedBatch, keys: string[], { source, stream, batches }: LoadContext): void {
  if ((batch.stream ?? stream) !== stream) return;
  const names = batch.schema.map(({ name }) => name);
  const known = new Set(
    [...names, ...batches.flatMap(({ schema }) => schema.map(({ name }) => name))].map(folded),
  );
  const unknown = keys.find((key) => !known.has(folded(key)));
  if (unknown === undefined) return;
  const near = nearest(unknown, names);
  throw new MillraceError('ProjectInvalid', {
    what: `${source}.${stream} has no column '${unknown}', which is to be its key`,
    where: { file: batch.source.file, path: `sources.${source}.streams.${stream}.disposition` },
    fix: near ? `Did you mean '${near}'?` : `Name key columns; it has ${names.join(', ')}`,
  });
}

const folded = (name: string): string => name.toLowerCase();

import type { Source } from '../../schemas/source.js';
import type { Connector } from './connector.js';

/** The connector of a stream. Each kind is loaded when it is first asked for: their libraries are large. */
export async function openConnector(source: Source, stream: string): Promise<Connector<unknown>> {
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

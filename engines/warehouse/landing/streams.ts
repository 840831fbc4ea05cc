import type { Column } from '../../../schemas/column.js';
import type { RestChild } from '../../../schemas/rest.js';
import type { FileStream, Source } from '../../../schemas/source.js';
import type { Disposition } from '../../../schemas/stream.js';
import { REPLICATION } from '../../lake/bronze.js';
import type { KeyedStream } from './land-keyed.js';

/** A stream of bronze that becomes relations of the warehouse. */
export interface BoundStream {
  source: string;
  stream: string;
  /** the log that holds its batches */
  log: string;
  /** where the relation is made of keys; otherwise it is a view over files */
  keyed: KeyedStream | null;
  /** of a view over files, where the project says it */
  disposition?: 'append' | 'replace' | undefined;
  columns?: Record<string, Column> | undefined;
  /** elements of the records of an endpoint: those of the records that the parent's relation shows are shown */
  follows?: { parent: BoundStream; parentKey: string[] } | undefined;
}

/** The streams a source declares, with the tables and children that come with them. */
export function streamsOf(source: string, spec: Source): BoundStream[] {
  switch (spec.kind) {
    case 'files':
      return Object.entries(spec.streams).map(([stream, declared]) => fileStream(source, stream, declared));
    case 'postgres':
      return Object.entries(spec.streams).map(([stream, declared]) =>
        declared.load === 'cdc'
          ? {
              ...{ source, stream, log: REPLICATION, columns: declared.columns },
              keyed: { source, stream, kind: 'changes', keys: declared.key },
            }
          : bound({ source, stream, log: stream }, declared),
      );
    case 'rest':
      return Object.entries(spec.streams).flatMap(([stream, declared]) => {
        const { path, params, body, cursor, children } = declared;
        // a cursor goes on from load to load, whatever the interval
        const dated = !cursor && namesInterval(JSON.stringify([path, params, body]));
        const parent = bound({ source, stream, log: stream }, { ...declared, dated });
        return [parent, ...Object.entries(children).map(([name, child]) => childOf(parent, name, child))];
      });
  }
}

/** Whether a path or a request asks for one interval at a time. */
const namesInterval = (text: string): boolean => /\{(start|end)[:}]/.test(text);

function childOf(parent: BoundStream, name: string, { parentKey, columns }: RestChild): BoundStream {
  const { source, stream, log } = parent;
  const child = bound({ source, stream: `${stream}__${name}`, log }, { columns });
  return parent.keyed || parent.disposition === 'replace'
    ? { ...child, follows: { parent, parentKey } }
    : child;
}

function fileStream(source: string, stream: string, declared: FileStream): BoundStream {
  const { format, disposition } = declared;
  // of what a copybook describes only some columns are declared: they are no shape of the stream
  const columns = format.kind === 'copybook' || format.kind === 'journal' ? undefined : declared.columns;
  // a journal has an order of its own
  const dated = format.kind !== 'journal' && namesInterval(declared.path);
  const found = bound({ source, stream, log: stream }, { disposition, columns, dated });
  if (format.kind !== 'journal' || !found.keyed) return found;
  const { deleteWhen = "_op = 'd'" } = found.keyed;
  return { ...found, keyed: { ...found.keyed, deleteWhen, journal: true } };
}

function bound(
  place: Pick<BoundStream, 'source' | 'stream' | 'log'>,
  declared: {
    disposition?: Disposition | undefined;
    columns?: Record<string, Column> | undefined;
    dated?: boolean | undefined;
  },
): BoundStream {
  const { disposition, columns, dated } = declared;
  if (typeof disposition !== 'object') return { ...place, disposition, columns, keyed: null };
  const { source, stream } = place;
  const { deleteWhen } = disposition;
  const keyed: KeyedStream =
    'merge' in disposition
      ? { source, stream, kind: 'merge', keys: disposition.merge, deleteWhen, dated }
      : { source, stream, kind: 'scd2', keys: disposition.scd2, deleteWhen, dated };
  return { ...place, columns, keyed };
}

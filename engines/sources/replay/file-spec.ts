import { MillraceError } from '../../../schemas/errors.js';
import { jsonl } from '../../../schemas/format.js';
import { FileStream, type Source } from '../../../schemas/source.js';

/**
 * How quarantined records of a stream are read: as its files are, or as the JSON lines that an endpoint's pages become.
 * @param log the stream that another one comes along with, such as the parent of a child
 * @throws MillraceError Unsupported for tables: their next load reads the rows again
 */
export function fileSpecOf(source: Source, stream: string, log: string): FileStream {
  if (source.kind === 'files' && source.streams[stream]) return source.streams[stream];
  const spec = source.kind === 'rest' ? source.streams[log] : undefined;
  if (!spec) {
    throw new MillraceError('Unsupported', {
      what: `Records of ${stream} cannot be read again by themselves`,
      fix: 'Correct the rows in the database, or the declaration, and load the table again; then drop these',
    });
  }
  const { tolerance, contract, nested } = spec;
  const child = stream === log ? undefined : spec.children[stream.slice(`${log}__`.length)];
  const columns = stream === log ? spec.columns : child?.columns;
  return FileStream.parse({ path: stream, format: jsonl({ nested }), columns, tolerance, contract });
}

import { closeSync, openSync } from 'node:fs';
import { MillraceError } from '../../../schemas/errors.js';
import { columnarDecoder, type ColumnarDecoder } from '../../copybook/columns/columnar-decoder.js';
import { hasPlainFraming, recordSource, type Range } from '../../copybook/columns/record-source.js';
import { compileCopybook } from '../../copybook/compile.js';
import { withDuckDb } from '../../lake/duckdb.js';
import type { ThreadContext } from '../../thread.js';
import { decodeJournal } from '../journal/decode-journal.js';
import { JOURNAL_COLUMNS } from '../journal/journal-columns.js';
import type { DecodedRange, DecodeInput, DecodeJob, SplitInput } from './decode-job.js';
import { decodeStraight } from './decode-straight.js';
import { decodeStream } from './decode-stream.js';
import { splitFile } from './split-file.js';

/** A thread's work: decodes the records of a range of a file into Parquet; broken ones go to the caller as messages. */
export async function decodeRange(
  input: DecodeInput,
  { signal, post }: ThreadContext,
): Promise<DecodedRange> {
  const compiled = compileCopybook(input);
  const { layout, settings } = compiled;
  const { journal } = input;
  const job: DecodeJob = { ...input, compiled, extra: journal ? JOURNAL_COLUMNS : [], signal, post };
  const decoder = columnarDecoder(layout, settings);
  const columnar = 'because' in decoder ? undefined : decoder;
  return withDuckDb({ workDir: input.folder, signal, memoryLimit: '256MB' }, async ([session]) => {
    if (!session) return { read: 0, filtered: 0, parts: [] };
    if (journal) return decodeJournal(job, journal, session, columnsOfImages(decoder));
    if (!columnar || !hasPlainFraming(settings)) return decodeStream(job, session, columnar);
    const descriptor = openSync(input.path, 'r');
    try {
      const { file, range } = input;
      const source = recordSource({ descriptor, file, range, settings, layout, rows: columnar.rows });
      return await decodeStraight(job, session, columnar, source);
    } finally {
      closeSync(descriptor);
    }
  });
}

/** @throws MillraceError ProjectInvalid for options that records in journal entries cannot have */
function columnsOfImages(decoder: ReturnType<typeof columnarDecoder>): ColumnarDecoder {
  if (!('because' in decoder)) return decoder;
  throw new MillraceError('ProjectInvalid', {
    what: `The images of journal entries cannot be read with these options: ${decoder.because}`,
    fix: 'Leave the option out: images are whole records of one file',
  });
}

/** A thread's work: looks at the headers of a large file's records to cut it between them. */
export const splitRanges = ({ path, file, rangeBytes, ...copybook }: SplitInput): Range[] =>
  splitFile(path, compileCopybook(copybook), file, rangeBytes);

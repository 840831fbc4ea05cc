import { closeSync, openSync } from 'node:fs';
import { columnarDecoder } from '../../copybook/columns/columnar-decoder.js';
import { hasPlainFraming, recordSource, type Range } from '../../copybook/columns/record-source.js';
import { compileCopybook } from '../../copybook/compile.js';
import { withDuckDb } from '../../lake/duckdb.js';
import type { ThreadContext } from '../../thread.js';
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
  const job: DecodeJob = { ...input, compiled, signal, post };
  const decoder = columnarDecoder(layout, settings);
  const columnar = 'because' in decoder ? undefined : decoder;
  return withDuckDb({ workDir: input.folder, signal, memoryLimit: '256MB' }, async ([session]) => {
    if (!session) return { read: 0, filtered: 0, parts: [] };
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

/** A thread's work: looks at the headers of a large file's records to cut it between them. */
export const splitRanges = ({ path, file, rangeBytes, ...copybook }: SplitInput): Range[] =>
  splitFile(path, compileCopybook(copybook), file, rangeBytes);

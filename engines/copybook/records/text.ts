import type { ByteReader } from './byte-reader.js';
import { recordInvalid, type FrameContext, type RawRecord } from './raw-record.js';

const LF = 0x0a;
const CR = 0x0d;
/** No line of a text file is longer; a file without line ends must not fill the memory. */
const MAX_LINE = 64 * 1024 * 1024;

/**
 * `D`: lines that end with LF, CRLF or CR; empty ones are passed over.
 * @throws MillraceError RecordInvalid for a line of more than 64 MB
 */
export async function* lines(context: FrameContext): AsyncGenerator<RawRecord> {
  const { reader } = context;
  for (;;) {
    const { position } = reader;
    const found = await findLineEnd(reader, (byte) => byte === LF || byte === CR, MAX_LINE);
    if (found === undefined) {
      throw recordInvalid(
        context,
        position,
        `The line at byte ${position} is longer than ${MAX_LINE} bytes`,
        'Check record_format: a file without line ends is F, V or VB',
      );
    }
    if (found.end === 0 && found.last) return;
    const bytes = reader.take(found.end);
    if (!found.last) {
      const breaks = reader.peek(1)[0];
      reader.take(1);
      if (breaks === CR && (await reader.fill(1)) > 0 && reader.peek(1)[0] === LF) {
        const line = bytes.slice();
        reader.take(1);
        if (line.length > 0) yield { position, bytes: line };
        continue;
      }
    }
    if (bytes.length > 0) yield { position, bytes };
  }
}

/** Where the line ends, or the file does; undefined when there is no end within `limit`. */
async function findLineEnd(
  reader: ByteReader,
  isEnd: (byte: number) => boolean,
  limit: number,
): Promise<{ end: number; last: boolean } | undefined> {
  let searched = 0;
  for (;;) {
    const there = reader.available;
    const bytes = reader.peek(there);
    for (; searched < there; searched++)
      if (isEnd(bytes[searched] as number)) return { end: searched, last: false };
    if (searched >= limit) return undefined;
    if ((await reader.fill(there + 1)) <= there) return { end: there, last: true };
  }
}

/**
 * `D2`: lines that end with LF or CRLF. A line of more than twice the record is cut after the record, and what follows
 * up to its end is dropped.
 */
export async function* cutLines(context: FrameContext, recordLength: number): AsyncGenerator<RawRecord> {
  const { reader } = context;
  const longest = recordLength * 2 + 2;
  for (;;) {
    await skipEmpty(reader);
    const there = await reader.fill(longest);
    if (there === 0) return;
    const { position } = reader;
    const line = lineWithin(reader.peek(longest));
    if (line) {
      const bytes = reader.peek(line.length);
      reader.take(line.length + line.ending);
      yield { position, bytes };
    } else if (there < longest && there <= recordLength) {
      yield { position, bytes: reader.take(there) };
    } else {
      yield { position, bytes: reader.take(recordLength) };
      const found = await findLineEnd(reader, (byte) => byte === LF || byte === CR, Infinity);
      await reader.skip(found?.end ?? 0);
    }
  }
}

async function skipEmpty(reader: ByteReader): Promise<void> {
  while ((await reader.fill(1)) > 0) {
    const byte = reader.peek(1)[0];
    if (byte !== LF && byte !== CR) return;
    reader.take(1);
  }
}

function lineWithin(bytes: Uint8Array): { length: number; ending: number } | undefined {
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === LF) return { length: at, ending: 1 };
    if (bytes[at] === CR && bytes[at + 1] === LF) return { length: at, ending: 2 };
  }
  return undefined;
}

/** `allow_partial_records`: what a line has beyond the record becomes further records. */
export async function* partialLines(context: FrameContext, recordLength: number): AsyncGenerator<RawRecord> {
  const { reader } = context;
  while ((await reader.fill(recordLength + 2)) > 0) {
    const { position } = reader;
    const line = lineWithin(reader.peek(recordLength + 2));
    if (line) {
      const bytes = reader.peek(line.length);
      reader.take(line.length + line.ending);
      if (bytes.length > 0) yield { position, bytes };
    } else yield { position, bytes: reader.take(recordLength) };
  }
}

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Format } from '../../../schemas/format.js';
import { withDuckDb } from '../../lake/duckdb.js';
import { quoteText } from '../../warehouse/port.js';
import { compressionOf } from '../copybook/compression-of.js';
import { detectCompression, readBytes } from '../decompress.js';
import type { SourceFile } from '../extract-input.js';

/** Bytes of a text or of records, decompressed, that are looked at. */
const TEXT_BYTES = 4 << 20;
/** Rows of a Parquet file that are looked at. */
const PARQUET_ROWS = 10_000;

/**
 * The beginning of a file as a file of its own, where its format can be cut: text between two lines, Parquet between
 * two rows, a file of records anywhere, so that its last one is truncated. Other files are looked at whole.
 * @param folder where it is written
 */
export async function cutFile(
  file: SourceFile,
  format: Format,
  folder: string,
  signal: AbortSignal,
): Promise<{ file: SourceFile; cut: boolean }> {
  const whole = { file, cut: false };
  const path = join(folder, 'beginning');
  const records = format.kind === 'copybook' || format.kind === 'journal';
  const compression = records ? compressionOf(file.path) : await detectCompression(file.path);
  if (file.bytes <= TEXT_BYTES && compression === 'none') return whole;
  switch (format.kind) {
    case 'csv':
    case 'fixed':
    case 'jsonl':
    case 'copybook': {
      const lines = format.kind !== 'copybook';
      // what is cut in the middle of a block cannot be read
      if (!lines && !/^[fvdt]2?$/i.test(String(format.options['record_format'] ?? 'F'))) return whole;
      const head = await headOf(file.path, lines ? format.compression : compression, lines, signal);
      if (!head) return whole;
      await writeFile(path, head);
      return { file: { ...file, path, bytes: head.length }, cut: true };
    }
    case 'parquet':
      await withDuckDb({ workDir: folder, signal }, ([session]) =>
        session.run(
          `COPY (FROM read_parquet(${quoteText(file.path)}) LIMIT ${PARQUET_ROWS}) TO ${quoteText(path)} (FORMAT parquet)`,
        ),
      );
      return { file: { ...file, path }, cut: true };
    default:
      return whole;
  }
}

/** The first bytes, of lines up to a line end; nothing when they are all there is, or one line. */
async function headOf(
  path: string,
  declared: 'auto' | Awaited<ReturnType<typeof detectCompression>>,
  lines: boolean,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const compression = declared === 'auto' ? await detectCompression(path) : declared;
  if (compression === 'zip') return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of readBytes(path, compression, signal)) {
    chunks.push(Buffer.from(chunk));
    bytes += chunk.length;
    if (bytes > TEXT_BYTES) break;
  }
  if (bytes <= TEXT_BYTES) return undefined;
  const head = Buffer.concat(chunks);
  const end = lines ? lineEnd(head) : TEXT_BYTES;
  return end > 0 ? head.subarray(0, end) : undefined;
}

/** Where the last line of a text ends; in UTF-16 a line end is two bytes. */
function lineEnd(text: Buffer): number {
  const wide = text.length > 1 && (text.readUInt16BE(0) === 0xfffe || text.readUInt16BE(0) === 0xfeff);
  if (!wide) return text.lastIndexOf(0x0a) + 1;
  const newline = text[0] === 0xff ? '\n\0' : '\0\n';
  for (let at = text.length; (at = text.lastIndexOf(newline, at - 1, 'latin1')) >= 0;) {
    if (at % 2 === 0) return at + 2;
  }
  return 0;
}

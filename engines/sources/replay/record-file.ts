import { open } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import iconv from 'iconv-lite';
import { MillraceError } from '../../../schemas/errors.js';
import type { CopybookFormat, CsvFormat, Format } from '../../../schemas/format.js';
import type { RecordContext } from '../../lake/quarantined-records.js';
import { dialectOf } from '../csv/dialect.js';
import { RecordScanner } from '../csv/record-scanner.js';
import { textEncoding, type TextEncoding } from '../encoding.js';

/** How single records become a file that their format's reader takes. */
interface Wrapping {
  /** of the file that is written */
  format: Format;
  head: Buffer[];
  /** @returns the bytes of one record in the file, or why it cannot be one */
  wrap: (raw: Buffer) => Buffer | string;
}

/** A record that was not written, and why. */
export interface Refusal {
  /** its number among the records */
  position: number;
  reason: string;
}

/**
 * Writes quarantined records to a file of their format, one after the other, so that they are read as they were the
 * first time. A record that would run into the next one, such as one with an unclosed quote, is left out.
 *
 * @param records relation with `position` (from 1) and `raw`
 * @throws MillraceError Unsupported when something of the file is missing that the records need
 */
export async function writeRecordFile(
  session: DuckDBConnection,
  records: string,
  target: { format: Format; context: RecordContext; path: string },
): Promise<{ format: Format; refused: Refusal[] }> {
  const { format, head, wrap } = wrapping(target.format, target.context);
  const refused: Refusal[] = [];
  const file = await open(target.path, 'w');
  try {
    await file.writeFile(Buffer.concat(head));
    const result = await session.stream(`SELECT position, to_base64(raw) FROM ${records} ORDER BY position`);
    for await (const rows of result.yieldRows()) {
      const written = rows.flatMap(([position, raw]) => {
        const record = wrap(Buffer.from(String(raw), 'base64'));
        if (typeof record !== 'string') return [record];
        refused.push({ position: Number(position), reason: record });
        return [];
      });
      await file.writeFile(Buffer.concat(written));
    }
  } finally {
    await file.close();
  }
  return { format, refused };
}

function wrapping(format: Format, context: RecordContext): Wrapping {
  switch (format.kind) {
    case 'csv':
      return csvWrapping(format, context);
    case 'fixed': {
      const encoding = encodingOf(format.encoding, context);
      const end = encoding.toSource(Buffer.from('\n'));
      return {
        format: { ...format, encoding: encoding.name, compression: 'none', skipLines: 0 },
        ...{ head: [], wrap: (raw) => Buffer.concat([raw, end]) },
      };
    }
    case 'copybook': {
      const options = recordOptions(format.options);
      const end = /^(D|D2|T)$/i.test(String(options['record_format'])) || options['is_text'] ? NEWLINE : NONE;
      return {
        format: { ...format, options },
        ...{ head: [], wrap: (raw) => Buffer.concat([raw, end]) },
      };
    }
    case 'journal': {
      const others = Object.entries(recordOptions(format.options)).filter(
        ([name]) => name !== 'record_length',
      );
      const options = { ...Object.fromEntries(others), ...HEADED };
      return {
        // what is missing between these entries is in bronze
        format: { ...format, options, gaps: 'ignore' },
        ...{ head: [], wrap: (raw) => Buffer.concat([lengthOf(raw), raw]) },
      };
    }
    default: {
      // rows of the other formats are kept as JSON text
      const encoding = 'encoding' in format ? encodingOf(format.encoding, context) : undefined;
      const decode = encoding?.kind === 'utf8' ? undefined : encoding?.name;
      const nested = 'nested' in format ? format.nested : 'struct';
      return {
        format: { kind: 'jsonl', nested, encoding: 'utf-8', compression: 'none' },
        head: [],
        wrap: (raw) => {
          const text = decode === undefined ? raw : Buffer.from(iconv.decode(raw, decode));
          // between the parts of a document a line end is but a blank
          return Buffer.concat([text.map((byte) => (byte === 0x0a || byte === 0x0d ? 0x20 : byte)), NEWLINE]);
        },
      };
    }
  }
}

const NEWLINE = Buffer.from('\n');
const NONE = Buffer.alloc(0);
/** Entries differ in length, so each gets its own in front. */
const HEADED = {
  ...{ record_format: 'V', is_rdw_big_endian: true, is_rdw_part_of_record_length: false, rdw_adjustment: 0 },
};
const lengthOf = ({ length }: Buffer): Buffer => Buffer.from([length >> 8, length & 0xff, 0, 0]);

function csvWrapping(declared: CsvFormat, context: RecordContext): Wrapping {
  const encoding = encodingOf(declared.encoding, context);
  const end = encoding.toSource(NEWLINE);
  const format: CsvFormat = { ...declared, encoding: encoding.name, compression: 'none', skipLines: 0 };
  if (declared.header && !context.head) {
    throw new MillraceError('Unsupported', {
      what: 'The header of the file was not kept with its quarantined records',
      fix: 'Deliver the file again, corrected; then drop these records',
    });
  }
  const dialect = dialectOf(format, encoding, '');
  /** What the scanner finds in a record that stands alone. */
  const faultOf = (raw: Buffer): string | undefined => {
    const faults: (string | undefined)[] = [];
    const scanner = new RecordScanner({
      ...{ dialect, valid: (bytes) => encoding.valid(bytes), encodingName: encoding.name },
      onRecord: ({ fault }) => faults.push(fault),
    });
    scanner.push(encoding.kind === 'decoded' ? Buffer.from(iconv.decode(raw, encoding.name)) : raw);
    scanner.end();
    return faults.length === 1 ? faults[0] : (faults.find(Boolean) ?? `it reads as ${faults.length} records`);
  };
  return {
    format,
    head: declared.header && context.head ? [context.head, end] : [],
    wrap: (raw) => faultOf(raw) ?? Buffer.concat([raw, end]),
  };
}

/** What is declared counts; what the whole file showed is better than what a few records would. */
const encodingOf = (declared: string, { encoding }: RecordContext): TextEncoding =>
  textEncoding(
    declared === 'auto' ? (encoding ?? 'utf-8') : declared,
    Buffer.alloc(0),
    { characters: 0, strays: 0 },
    '',
  );

type CopybookOptions = CopybookFormat['options'];

/** Options of a copybook for records without the blocks and the rest of the file around them. */
function recordOptions(options: CopybookOptions): CopybookOptions {
  const around =
    /^(file_(start|end)_offset|record_(header|trailer)_name|block_length|records_per_block|is_bdw_.*|bdw_.*)$/;
  const kept = Object.entries(options).filter(([name]) => !around.test(name));
  return Object.fromEntries(
    kept.map(([name, value]) => [
      name,
      name === 'record_format' ? String(value).replace(/^([fv])b$/i, '$1') : value,
    ]),
  );
}

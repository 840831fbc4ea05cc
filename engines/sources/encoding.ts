import { isAscii, isUtf8 } from 'node:buffer';
import iconv from 'iconv-lite';
import { MillraceError } from '../../schemas/errors.js';

/**
 * How a file's bytes are text. The scanner needs bytes in which delimiter, quote and line ends are single bytes:
 * `bytes` encodings are scanned as they lie, so positions and raw bytes are those of the file; the others (UTF-16,
 * Shift_JIS …) are first decoded, and their byte positions count in the text's UTF-8 form.
 */
export interface TextEncoding {
  name: string;
  /** bytes of the byte order mark to skip */
  bom: number;
  kind: 'utf8' | 'bytes' | 'decoded';
  /** whether the scanned bytes are text of this encoding */
  valid: (bytes: Buffer) => boolean;
  /** scanned bytes to UTF-8 */
  toUtf8: (bytes: Buffer) => Buffer;
  /** scanned bytes back to what the file had */
  toSource: (bytes: Buffer) => Buffer;
}

const same = (bytes: Buffer): Buffer => bytes;
const REPLACEMENT = Buffer.from('\uFFFD');

/** Counts that tell UTF-8 with a few broken records from a single-byte encoding. */
export interface Utf8Evidence {
  /** well-formed multi-byte characters */
  characters: number;
  /** bytes that belong to none */
  strays: number;
}

/**
 * @param declared the format's `encoding`
 * @param head first bytes of the text (at least 4, if it has them)
 * @param evidence for `auto`: of the whole file
 * @throws MillraceError EncodingUnknown
 */
export function textEncoding(
  declared: string,
  head: Buffer,
  evidence: Utf8Evidence,
  file: string,
): TextEncoding {
  if (declared === 'auto') {
    const mark = byteOrderMark(head);
    // one bad record must not turn every umlaut of a UTF-8 file into two letters, so the majority decides
    return encodingOf(mark ?? (evidence.strays > evidence.characters ? 'windows-1252' : 'utf-8'), head);
  }
  const known: boolean = iconv.encodingExists(declared);
  if (!known) {
    throw new MillraceError('EncodingUnknown', {
      what: `No encoding is called '${declared}'`,
      where: { file },
      fix: "Write a name that iconv knows, such as 'utf-8', 'windows-1252', 'iso-8859-15', 'utf-16le', 'shift_jis', or 'auto'",
    });
  }
  return encodingOf(declared, head);
}

function byteOrderMark(head: Buffer): string | undefined {
  if (head.length >= 3 && head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return 'utf-8';
  if (head.length >= 4 && head.readUInt32LE(0) === 0x0000feff) return 'utf-32le';
  if (head.length >= 4 && head.readUInt32BE(0) === 0x0000feff) return 'utf-32be';
  if (head.length >= 2 && head[0] === 0xff && head[1] === 0xfe) return 'utf-16le';
  if (head.length >= 2 && head[0] === 0xfe && head[1] === 0xff) return 'utf-16be';
  return undefined;
}

function encodingOf(name: string, head: Buffer): TextEncoding {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  if (plain === 'utf8' || plain === 'ascii' || plain === 'usascii') {
    const bom = byteOrderMark(head) === 'utf-8' ? 3 : 0;
    return { name: 'utf-8', bom, kind: 'utf8', valid: isUtf8, toUtf8: same, toSource: same };
  }
  const encode = (text: Buffer): Buffer => iconv.encode(text.toString(), name, { addBOM: false });
  if (isSingleByte(name)) {
    const decode = (bytes: Buffer): Buffer =>
      isAscii(bytes) ? bytes : Buffer.from(iconv.decode(bytes, name, { stripBOM: false }));
    const valid = (bytes: Buffer): boolean => !decode(bytes).includes(REPLACEMENT);
    return { name, bom: 0, kind: 'bytes', valid, toUtf8: decode, toSource: same };
  }
  const valid = (text: Buffer): boolean => !text.includes(REPLACEMENT);
  return { name, bom: 0, kind: 'decoded', valid, toUtf8: same, toSource: encode };
}

/** Every byte is one character, and ASCII means ASCII: then delimiters can be found without decoding. */
function isSingleByte(name: string): boolean {
  for (let byte = 0; byte < 256; byte++) {
    const decoded = iconv.decode(Buffer.from([byte, 0x61]), name, { stripBOM: false });
    if (decoded.length !== 2 || decoded[1] !== 'a' || (byte < 128 && decoded.charCodeAt(0) !== byte))
      return false;
  }
  return true;
}

/** Decodes a stream of a multi-byte encoding to UTF-8 without its byte order mark. */
export async function* decodeStream(source: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  const decoder = iconv.getDecoder(name, { stripBOM: true });
  for await (const chunk of source) yield Buffer.from(decoder.write(chunk));
  const rest = decoder.end();
  if (rest) yield Buffer.from(rest);
}

/** Whether a text that comes in chunks is UTF-8, at the speed of Node's own check. */
export class Utf8Check {
  private valid = true;
  /** the start of a character that the next chunk ends */
  private rest: Buffer = Buffer.alloc(0);

  look(chunk: Buffer): void {
    if (!this.valid) return;
    const bytes = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk;
    let end = bytes.length;
    const first = Math.max(0, end - 3);
    for (let at = end - 1; at >= first; at--) {
      const byte = bytes[at] as number;
      if (byte < 0x80) break;
      if (byte >= 0xc0) {
        end = at;
        break;
      }
    }
    this.rest = Buffer.from(bytes.subarray(end));
    this.valid = isUtf8(bytes.subarray(0, end));
  }

  end(): boolean {
    return this.valid && isUtf8(this.rest);
  }
}

/** Counts, byte by byte, what speaks for UTF-8 in a text that is not all UTF-8, and what against. */
export async function utf8Evidence(text: AsyncIterable<Buffer>): Promise<Utf8Evidence> {
  const evidence = { characters: 0, strays: 0 };
  let missing = 0; // continuation bytes that the current character still needs
  for await (const chunk of text) {
    for (const byte of chunk) {
      if (missing > 0 && (byte & 0xc0) === 0x80) {
        if (--missing === 0) evidence.characters++;
        continue;
      }
      if (missing > 0) evidence.strays++;
      missing = 0;
      if (byte >= 0xc2 && byte <= 0xf4) missing = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
      else if (byte >= 0x80) evidence.strays++;
    }
  }
  if (missing > 0) evidence.strays++;
  return evidence;
}

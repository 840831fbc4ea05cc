import iconv from 'iconv-lite';
import { MillraceError } from '../../../schemas/errors.js';
import { codePage } from './code-page.js';

/** Reads text fields of ASCII data: `(bytes without control characters) => text`. */
export interface AsciiCharset {
  name: string;
  /** US-ASCII: a byte from 0x80 is a blank */
  strict: boolean;
  utf8: boolean;
  decode: (bytes: Uint8Array) => string;
}

/**
 * A charset by its Java name, `UTF-8` when none is given.
 * @throws MillraceError EncodingUnknown
 */
export function asciiCharset(name = 'UTF-8'): AsciiCharset {
  const plain = name.trim().toLowerCase().replaceAll(/[-_ ]/g, '');
  if (['usascii', 'ascii', 'iso646us', 'ansix3.41968'].includes(plain)) {
    return {
      name,
      strict: true,
      utf8: false,
      decode: (bytes) => latin1(bytes).replaceAll(/[\u0080-\u00ff]/g, ' '),
    };
  }
  if (plain === 'utf8') {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    return { name, strict: false, utf8: true, decode: (bytes) => decoder.decode(bytes) };
  }
  if (['iso88591', 'latin1', '88591', 'iso88591:1987'].includes(plain))
    return { name, strict: false, utf8: false, decode: latin1 };
  if (!iconv.encodingExists(name)) return ebcdicPage(name);
  return {
    ...{ name, strict: false, utf8: false },
    decode: (bytes) => iconv.decode(Buffer.from(bytes), name, { stripBOM: false }),
  };
}

/** Java knows EBCDIC pages as charsets too; a file that is ASCII but for one field needs that. */
function ebcdicPage(name: string): AsciiCharset {
  try {
    const { table } = codePage(name);
    return {
      name,
      strict: false,
      utf8: false,
      decode: (bytes) => Array.from(bytes, (byte) => table[byte]).join(''),
    };
  } catch (error) {
    throw new MillraceError('EncodingUnknown', {
      what: `There is no charset '${name}'`,
      fix: 'Name it as Java does: UTF-8, US-ASCII, ISO-8859-1, windows-1252, …',
      cause: error,
    });
  }
}

const latin1 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

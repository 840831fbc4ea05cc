import { MillraceError } from '../../../schemas/errors.js';
import { didYouMean } from '../../nearest.js';
import { TABLES } from './tables.js';

export interface CodePage {
  name: string;
  /** the character of each byte, 256 UTF-16 units */
  table: string;
}

/** Bytes below 0x40 that stand for a control character, wherever control characters are kept. */
const CONTROLS: Record<number, number> = {
  0x00: 0x00, 0x01: 0x01, 0x02: 0x02, 0x03: 0x03, 0x05: 0x09, 0x07: 0x7f, 0x0b: 0x0b, 0x0c: 0x0c, 0x0e: 0x0e,
  0x0f: 0x0f, 0x10: 0x10, 0x11: 0x11, 0x12: 0x12, 0x13: 0x13, 0x15: 0x85, 0x16: 0x08, 0x18: 0x18, 0x19: 0x19,
  0x1c: 0x1c, 0x1d: 0x1d, 0x1e: 0x1e, 0x1f: 0x1f, 0x26: 0x17, 0x27: 0x1b, 0x2d: 0x05, 0x2e: 0x06, 0x2f: 0x07,
  0x32: 0x16, 0x37: 0x04, 0x3c: 0x14, 0x3d: 0x15, 0x3f: 0x1a,
}; // prettier-ignore
/** Line ends are read in all pages, the way Cobrix reads them. */
const LINE_ENDS: Record<number, number> = { 0x0d: 0x0a, 0x25: 0x0d };

/** Pages whose control characters, and the blank and hyphen that do not break, are blanks. */
const WITHOUT_CONTROLS = new Set(['838', '870', '875', '1025', '1047', '1160']);

/** Where `common` differs from the ASCII part of 037. */
const COMMON: Record<number, string> = { 0x6a: '|', 0xca: '-' };

/** CCSIDs that are met on IBM i and are no EBCDIC. */
const OTHER_CCSIDS: Record<string, string> = {
  ...{ '367': 'ASCII', '437': 'ASCII', '819': 'ISO 8859-1', '850': 'ASCII', '1252': 'windows-1252' },
  ...{ '1208': 'UTF-8', '1200': 'UTF-16', '13488': 'UCS-2' },
};

/** Two bytes a character, all of them or those between shift-out and shift-in. */
const DOUBLE_BYTE = new Set([
  ...['300', '834', '835', '837', '930', '931', '933', '935', '937', '939'],
  ...['1364', '1371', '1388', '1390', '1399', '4396', '4930', '4933', '5026', '5035', '16684'],
]);

const built = new Map<string, CodePage>();

/**
 * An EBCDIC code page by the name Cobrix, IBM or iconv gives it, or a CCSID: `cp037`, `IBM-1047`, `1140`, `37`, `common`, `cp037_extended`.
 * @throws MillraceError EncodingUnknown with the names that are close
 */
export function codePage(name: string): CodePage {
  const key = name
    .trim()
    .toLowerCase()
    .replace(/^(cp|ibm|ccsid|x-ibm)[-_]?/, '');
  let page = built.get(key);
  if (!page) {
    page = { name: name.trim(), table: build(key, name) };
    built.set(key, page);
  }
  return page;
}

/** Names for messages and completion. */
export const codePageNames = (): string[] => [
  'common',
  'common_extended',
  'cp037_extended',
  ...Object.keys(TABLES).map((key) => `cp${key}`),
];

function build(key: string, name: string): string {
  if (key === 'common') return controls({}) + common();
  if (key === 'common_extended') return commonControls() + common();
  if (key === '037_extended') return controls(CONTROLS) + upperHalf('037');
  const number = key.replace(/^0+(?=\d{3})/, '').replace(/^\d{1,2}$/, (digits) => digits.padStart(3, '0'));
  if (number === '65535')
    throw new MillraceError('EncodingUnknown', {
      what: 'CCSID 65535 says that the data is untagged: nobody has said which characters its bytes are',
      fix: "Give the code page of the job that wrote it, as the system's QCCSID or the owner of the file knows it, such as 37 or 273",
    });
  const other = OTHER_CCSIDS[number];
  if (other !== undefined)
    throw new MillraceError('EncodingUnknown', {
      what: `CCSID ${number} is ${other}, no EBCDIC`,
      fix: "For data that was converted on its way set encoding to 'ascii' and ascii_charset",
    });
  if (DOUBLE_BYTE.has(number.replace(/^0+/, ''))) {
    throw new MillraceError('EncodingUnknown', {
      what: `The EBCDIC code page '${name}' has characters of two bytes; only pages of one byte are read`,
      fix: 'Have the file sent in Unicode (PIC N fields, or encoding ascii with ascii_charset), or take its text fields as bytes: PIC X(n) COMP',
    });
  }
  if (TABLES[number] === undefined) {
    throw new MillraceError('EncodingUnknown', {
      what: `There is no EBCDIC code page '${name}'`,
      fix: didYouMean(name.toLowerCase(), codePageNames()) || `Known are ${codePageNames().join(', ')}`,
    });
  }
  if (number === '037') return controls({ 0x15: 0x85 }) + upperHalf(number);
  if (!WITHOUT_CONTROLS.has(number)) return controls(CONTROLS) + upperHalf(number);
  return controls({}) + upperHalf(number).replaceAll(/[\u00a0\u00ad]/g, ' ');
}

/** 0xFF means all bits set, not a character. */
const upperHalf = (number: string): string => `${(TABLES[number] ?? '').slice(0, -1)} `;

function controls(kept: Record<number, number>): string {
  let row = '';
  for (let byte = 0; byte < 0x40; byte++) row += String.fromCharCode(LINE_ENDS[byte] ?? kept[byte] ?? 0x20);
  return row;
}

/** `common_extended` says SUB where the others have a blank, in the first two rows. */
function commonControls(): string {
  let row = '';
  for (let byte = 0; byte < 0x40; byte++) {
    const plain = byte === 0x15 || byte === 0x07 || byte === 0x3f ? undefined : CONTROLS[byte];
    const other = byte < 0x20 && byte !== 0x07 ? 0x1a : 0x20;
    row += String.fromCharCode(LINE_ENDS[byte] ?? plain ?? other);
  }
  return row;
}

/** ASCII as 037 has it, whatever a page really has there; all else is a blank. */
function common(): string {
  const shared = upperHalf('037');
  let row = '';
  for (let byte = 0x40; byte < 0x100; byte++) {
    const character = shared[byte - 0x40] ?? ' ';
    row += COMMON[byte] ?? (character > '~' ? ' ' : character);
  }
  return row;
}

import { afterEach, beforeEach, expect, test } from 'vitest';
import { excel } from '../../../schemas/format.js';
import { zip } from '../../support/zip.js';
import { Bench, quarantineOf, rowsOf } from './support.js';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

/** Styles: 0 plain, 1 a date, 2 a custom timestamp, 3 a number with a text that looks like a date, 4 a time. */
const STYLES = `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd\\.mm\\.yyyy\\ hh:mm"/><numFmt numFmtId="165" formatCode="0.00&quot; days&quot;"/></numFmts>
<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="20"/></cellXfs></styleSheet>`;
const TEXTS = `<sst><si><t>id</t></si><si><t xml:space="preserve">na</t></si><si><r><t>Zoë </t></r><r><rPr><b/></rPr><t>&amp; Ann</t></r><rPh sb="0" eb="1"><t>x</t></rPh></si></sst>`;

function workbook(sheets: Record<string, string>, { date1904 = false } = {}): Buffer {
  const names = Object.keys(sheets);
  const list = names.map((name, n) => `<sheet name="${name}" sheetId="${n + 7}" r:id="rId${n + 1}"/>`);
  const targets = names.map(
    (_name, n) => `<Relationship Id="rId${n + 1}" Target="${n % 2 ? '/xl/' : ''}worksheets/s${n}.xml"/>`,
  );
  const xml = (text: string): string => `<?xml version="1.0" encoding="UTF-8"?>\n${text}`;
  return zip([
    {
      name: 'xl/workbook.xml',
      content: xml(
        `<workbook><workbookPr date1904="${date1904 ? 1 : 0}"/><sheets>${list.join('')}</sheets></workbook>`,
      ),
    },
    {
      name: 'xl/_rels/workbook.xml.rels',
      content: xml(`<Relationships>${targets.join('')}</Relationships>`),
    },
    { name: 'xl/styles.xml', content: xml(STYLES) },
    { name: 'xl/sharedStrings.xml', content: xml(TEXTS) },
    ...names.map((name, n) => ({
      name: `xl/worksheets/s${n}.xml`,
      content: xml(
        `<x:worksheet><x:sheetData>${(sheets[name] ?? '').replaceAll(/<(\/?)/g, '<$1x:')}</x:sheetData></x:worksheet>`,
      ),
    })),
  ]);
}

const TYPED = `<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="inlineStr"><is><t>name</t></is></c><c r="C2" t="str"><v>day</v></c><c r="D2" t="str"><v>at</v></c>
<c r="E2" t="str"><v>ok</v></c><c r="F2" t="str"><v>amount</v></c><c r="H2" t="str"><v>clock</v></c></row>
<row r="3"><c r="A3"><v>1</v></c><c r="B3" t="s"><v>2</v></c><c r="C3" s="1"><v>45662</v></c><c r="D3" s="2"><v>45662.4375</v></c><c r="E3" t="b"><v>1</v></c><c r="F3" s="3"><v>0.30000000000000004</v></c><c r="H3" s="4"><v>0.5</v></c></row>
<row r="4"/><row r="6"><c r="A6"><v>2</v></c><c r="E6" t="b"><v>0</v></c><c r="F6"><f>1+1</f><v>2</v></c></row>`;

test('cells keep their types: numbers, dates, times, booleans, texts in runs', async () => {
  const staged = await bench.extract(workbook({ First: '', Data: TYPED }), {
    format: excel({ sheet: 'Data' }),
  });
  expect(staged.batch.schema).toEqual(
    Object.entries({
      id: 'int64',
      name: 'text',
      day: 'date',
      at: 'timestamp',
      ok: 'boolean',
      amount: 'double',
      clock: 'time',
    }).map(([name, type]) => ({ name, type })),
  );
  expect(await rowsOf(staged)).toEqual([
    ['1', 'Zoë & Ann', '2025-01-05', '2025-01-05 10:30:00', true, 0.3, '12:00:00'],
    ['2', null, null, null, false, 2, null],
  ]);
});

test('declared columns are cast, and what does not fit is quarantined with its row', async () => {
  const sheet = `<row r="1"><c r="A1" t="str"><v>title</v></c></row><row r="3"><c r="A3" t="s"><v>0</v></c><c r="B3" t="str"><v>v</v></c></row>
  <row r="4"><c r="A4"><v>1</v></c><c r="B4"><v>2.5</v></c></row><row r="5"><c r="A5"><v>1.5</v></c><c r="B5"><v>3</v></c></row>
  <row r="6"><c r="A6"><v>3</v></c><c r="B6" t="e"><v>#DIV/0!</v></c></row><row r="7"><c r="A7"><v>4</v></c><c r="C7"><v>9</v></c></row>`;
  const staged = await bench.extract(workbook({ A: sheet }), {
    format: excel({ skipRows: 2 }),
    columns: { id: 'int32', v: 'decimal(10,2)' },
    tolerance: 0.8,
  });
  expect(await rowsOf(staged)).toEqual([[1, '2.50']]);
  const kept = await quarantineOf(staged);
  expect(kept.map(({ record, line, reason }) => [record, line, reason])).toEqual([
    [2, 5, `column "id": '1.5' is not int32`],
    [3, 6, 'cell B6 holds the error #DIV/0!'],
    [4, 7, 'cell C7 has a value, but its column no name'],
  ]);
  expect(kept.map(({ raw }) => raw.toString())).toEqual(['["1.5","3"]', '["3","#DIV/0!"]', '["4",null,"9"]']);
});

test('the calendar that begins in 1904, and sheets without a header', async () => {
  const sheet =
    '<row r="1"><c r="A1" s="1"><v>0</v></c></row><row r="2"><c r="A2" s="1"><v>44200</v></c></row>';
  const staged = await bench.extract(workbook({ A: sheet }, { date1904: true }), {
    format: excel({ header: false }),
  });
  expect(staged.batch.schema).toEqual([{ name: 'column_1', type: 'date' }]);
  expect(await rowsOf(staged)).toEqual([['1904-01-01'], ['2025-01-05']]);
});

test.each([
  [
    'a wrong sheet',
    () => workbook({ A: '', 'B c': '' }),
    { sheet: 'C' },
    'FormatMismatch',
    "it has 1 'A', 2 'B c'",
  ],
  ['an empty sheet', () => workbook({ A: '' }), {}, 'SourceEmpty', 'no record'],
  ['the old format', () => Buffer.from('d0cf11e0a1b11ae1', 'hex'), {}, 'FormatMismatch', '(.xls)'],
  ['text', () => Buffer.from('id,name\n'), {}, 'FormatMismatch', 'no workbook'],
  ['another archive', () => zip([{ name: 'a', content: 'x' }]), {}, 'SourceUnreadable', 'no workbook inside'],
  [
    'a sheet that is cut off',
    () => workbook({ A: '<row r="1"><c r="A1"><v>1' }),
    {},
    'SourceUnreadable',
    'before it is complete',
  ],
])('%s is said', async (_what, make, options, type, message) => {
  const failed = bench.extract(make(), { format: excel(options) });
  await expect(failed).rejects.toMatchObject({ type });
  await expect(failed).rejects.toThrow(message);
});

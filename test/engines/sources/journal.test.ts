import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commitBatches, readManifest } from '../../../engines/lake/bronze.js';
import { openLocalStore } from '../../../engines/lake/local-store.js';
import { filesConnector } from '../../../engines/sources/files-connector.js';
import { inSequence } from '../../../engines/sources/journal/sequence.js';
import { writeRecordFile } from '../../../engines/sources/replay/record-file.js';
import { encoder } from '../../../examples/as400/ebcdic.js';
import { copybook, journal, JournalFormat } from '../../../schemas/format.js';
import { FilesSource } from '../../../schemas/source.js';
import { entry, item, ITEM, type Entry } from './journal-support.js';
import { Bench, INTERVAL, quarantineOf, readParquet, withSession } from './support.js';

let bench: Bench;
beforeAll(async () => void (bench = await Bench.open()));
afterAll(() => bench.close());

type Options = Partial<Parameters<typeof journal>[0]>;

const extract = (entries: Entry[] | Buffer, format: Options = {}, spec: Record<string, unknown> = {}) =>
  bench.extract(Buffer.isBuffer(entries) ? entries : Buffer.concat(entries.map(entry)), {
    format: {
      ...journal({ copybooks: 'item.cpy', dateOrder: 'ymd', ...format }),
      texts: { 'item.cpy': ITEM },
    },
    ...spec,
  });

async function rows(staged: Awaited<ReturnType<typeof extract>>, columns: string) {
  const part = staged.files.find(({ key }) => key.includes('/part-'));
  return part ? readParquet(part.path, columns) : [];
}

const STORY: Entry[] = [
  { type: 'OP', code: 'F', sequence: 1 },
  { type: 'PT', sequence: 2, image: item('A', 5) },
  { type: 'UB', sequence: 3, image: item('A', 5) },
  { type: 'UP', sequence: 4, image: item('A', 7) },
  { type: 'CM', code: 'C', sequence: 5, file: '' },
  { type: 'DL', sequence: 6, image: item('A', 7) },
];

describe('journal entries', () => {
  test('become rows that say what changed, when, by whom; others are filtered', async () => {
    const staged = await extract(STORY, { timezone: 'Europe/Berlin' });
    expect(staged.batch).toMatchObject({ read: 6, loaded: 3, quarantined: 0, filtered: 3 });
    expect(staged.batch.schema.map(({ name, type }) => `${name} ${type}`)).toEqual([
      ...['CODE text', 'QTY int32', 'SINCE int32', '_op text', '_sequence int64'],
      ...['_changed_at timestamptz', '_object text', '_program text', '_user text'],
    ]);
    expect(await rows(staged, 'CODE, QTY, _op, _sequence, _changed_at, _object, _program, _user')).toEqual([
      ['A', 5, 'i', '2', '2026-01-05 07:30:02+00', 'SHOP/ITEMS', 'INV100', 'STOCK'],
      ['A', 7, 'u', '4', '2026-01-05 07:30:04+00', 'SHOP/ITEMS', 'INV100', 'STOCK'],
      ['A', 7, 'd', '6', '2026-01-05 07:30:06+00', 'SHOP/ITEMS', 'INV100', 'STOCK'],
    ]);
    expect(await rows(staged, '_source_position')).toEqual([['2'], ['4'], ['6']]);
  });

  test('of rollbacks and before-images are what they are', async () => {
    const types = ['PX', 'UB', 'UP', 'BR', 'UR', 'DR'];
    const entries = types.map((type, n) => ({ type, sequence: n + 1, image: item('A', n) }));
    const staged = await extract(entries, { images: 'both' });
    expect(await rows(staged, '_op, QTY')).toEqual(['i', 'b', 'u', 'b', 'u', 'd'].map((op, n) => [op, n]));
    expect((await extract(entries)).batch).toMatchObject({ read: 6, loaded: 4, filtered: 2 });
  });

  test('a member that was cleared is a row without values', async () => {
    const staged = await extract([...STORY.slice(0, 2), { type: 'CR', code: 'F', sequence: 3 }]);
    expect(await rows(staged, 'CODE, QTY, _op')).toEqual([
      ['A', 5, 'i'],
      [null, null, 't'],
    ]);
  });

  test('with their lengths in front are read, too', async () => {
    const framed = STORY.map(entry).map((bytes) => {
      const head = Buffer.alloc(4);
      head.writeUInt16BE(bytes.length + 4);
      return Buffer.concat([head, bytes]);
    });
    const options = { record_format: 'V', is_rdw_big_endian: true, is_rdw_part_of_record_length: true };
    const staged = await extract(Buffer.concat(framed), { options });
    expect(staged.batch).toMatchObject({ read: 6, loaded: 3, filtered: 3 });
  });

  test('of several files need a choice', async () => {
    const two: Entry[] = [...STORY, { type: 'PT', sequence: 7, file: 'PRICES', image: item('A', 5) }];
    await expect(extract(two)).rejects.toThrow('of SHOP/ITEMS, and with entry 7 of SHOP/PRICES');
    const staged = await extract(two, { objects: 'SHOP/ITEMS' });
    expect(staged.batch).toMatchObject({ read: 7, loaded: 3, filtered: 4 });
  });

  test('that cannot be read are quarantined with their bytes', async () => {
    const bad = item('B', 1);
    bad[6] = 0xff;
    const entries: Entry[] = [
      ...STORY,
      { type: 'PT', sequence: 7, image: bad },
      { type: 'DL', sequence: 8 },
      { type: 'UP', sequence: 9, image: item('B', 1), date: '261305' },
    ];
    const staged = await extract(entries, {}, { tolerance: 0.5 });
    expect(staged.batch).toMatchObject({ read: 9, loaded: 3, filtered: 3, quarantined: 3 });
    const kept = await quarantineOf(staged);
    expect(kept.map(({ record, reason }) => `${record} ${reason}`)).toEqual([
      `7 QTY: bad packed digit 0xff at byte ${6 * 136 + 125 + 6}`,
      expect.stringContaining('8 Journal entry 8 (R DL) of SHOP/ITEMS has no record image'),
      expect.stringContaining("9 '261305' (ymd) at '083009'"),
    ]);
    expect(kept[0]?.raw).toEqual(entry(entries[6] as Entry));
  });

  test('are cut off where the file ends', async () => {
    const bytes = Buffer.concat(STORY.map(entry)).subarray(0, -20);
    const staged = await extract(bytes, {}, { tolerance: 0.5 });
    expect(staged.batch).toMatchObject({ read: 6, loaded: 2, filtered: 3, quarantined: 1 });
  });
});

describe('numbers of entries', () => {
  const gap: Entry[] = [...STORY, { type: 'PT', sequence: 500, image: item('B', 1) }];

  test('that are missing fail the load, are noted, or mean nothing', async () => {
    await expect(extract(gap)).rejects.toMatchObject({ name: 'JournalGap' });
    await expect(extract(gap)).rejects.toThrow('493 journal entries are missing: entry 500');
    const noted = await extract(gap, { gaps: 'note' });
    expect(noted.batch).toMatchObject({ read: 7, expected: { rows: 500 } });
    expect((await extract(gap, { gaps: 'ignore' })).batch.expected).toBeUndefined();
    expect((await extract(gap, { maxGap: 493 })).batch.expected).toBeUndefined();
  });

  test('that go back are refused, unless a receiver begins anew', async () => {
    const back: Entry[] = [...STORY, { type: 'PT', sequence: 3, image: item('B', 1) }];
    await expect(extract(back)).rejects.toThrow('entry 3 (2026-01-05T08:30:03) comes after entry 6');
    const anew: Entry[] = [...STORY, { type: 'PT', sequence: 1, time: 90_000, image: item('B', 1) }];
    expect((await extract(anew)).batch).toMatchObject({ loaded: 4 });
  });

  test('go on from file to file', async () => {
    const policy = { gaps: 'fail' as const, maxGap: 10 };
    const first = await extract(STORY);
    const next = await extract([{ type: 'PT', sequence: 7, image: item('B', 1) }]);
    const later = await extract([{ type: 'PT', sequence: 300, image: item('C', 1) }]);
    expect(inSequence([first.batch], [next], policy)).toHaveLength(1);
    // the order in which they are listed does not matter
    expect(inSequence([], [next, first], policy).map(({ batch }) => batch.journal?.first)).toEqual([1, 7]);
    expect(() => inSequence([first.batch], [later], policy)).toThrow('293 journal entries are missing');
    expect(() => inSequence([later.batch], [next], policy)).toThrow('comes after entry 300');
    const [noted] = inSequence([first.batch], [later], { gaps: 'note', maxGap: 10 });
    expect(noted?.batch.expected).toEqual({ rows: 1 + 293 });
  });
});

describe('declared dates', () => {
  const dates = (given: unknown) => ({ columns: { since: given }, tolerance: 0.9 });
  const declared = { type: 'date', formats: ['CYYMMDD'], nulls: [0, 9_999_999] };

  test('of packed numbers become dates of bronze', async () => {
    const values = [1_260_115, 991_231, 0, 9_999_999];
    const entries = values.map((since, n) => ({ type: 'PT', sequence: n + 1, image: item('A', 1, since) }));
    const staged = await extract(entries, {}, dates(declared));
    expect(staged.batch.schema[2]).toEqual({ name: 'since', type: 'date' });
    expect(await rows(staged, 'since::VARCHAR')).toEqual([['2026-01-15'], ['1999-12-31'], [null], [null]]);
  });

  test('that are none are quarantined, and never null', async () => {
    const entries = [1_260_230, 1_260_115].map((since, n) => ({
      ...{ type: 'PT', sequence: n + 1, image: item('A', 1, since) },
    }));
    const staged = await extract(entries, {}, dates(declared));
    expect(staged.batch).toMatchObject({ loaded: 1, quarantined: 1 });
    expect((await quarantineOf(staged))[0]?.reason).toBe('SINCE: 1260230 is no date (CYYMMDD) at byte 132');
  });

  test('are checked with the declaration', async () => {
    await expect(extract(STORY, {}, dates({ type: 'date', formats: ['CYYMD'] }))).rejects.toThrow(
      "'CYYMD' is no format of dates",
    );
    await expect(
      extract(STORY, {}, { columns: { sinc: { type: 'date', formats: ['CYYMMDD'] } } }),
    ).rejects.toThrow("Did you mean 'SINCE'");
  });

  test('are declared for columns of any copybook, also in groups, and read record by record', async () => {
    const text = '       01 R.\n         05 KIND PIC X.\n         05 G.\n           10 BORN PIC X(10).';
    const { text: ebcdic } = encoder('cp037');
    const bytes = Buffer.concat(['A2026-01-15', 'B15.01.2026', 'A2026-01-32'].map((one) => ebcdic(one, 11)));
    const born = { type: 'date', formats: ['*ISO', '*EUR'] };
    // the name of the file as a column makes the row decoder read them
    for (const name of ['', 'file']) {
      const options = { ccsid: 37, with_input_file_name_col: name };
      const staged = await bench.extract(bytes, {
        format: { ...copybook('r.cpy', options), texts: { 'r.cpy': text } },
        ...{ columns: { 'g.born': born }, tolerance: 0.5 },
      });
      expect(staged.batch.schema.at(-1)).toEqual({ name: 'G', type: 'STRUCT("BORN" DATE)' });
      expect(await rows(staged, 'KIND, G.BORN::VARCHAR')).toEqual([
        ['A', '2026-01-15'],
        ['B', '2026-01-15'],
      ]);
      expect((await quarantineOf(staged))[0]?.reason).toContain(
        "BORN: '2026-01-32' is no date (*ISO or *EUR) at byte 23",
      );
    }
  });
});

describe('quarantined entries', () => {
  test('are read again with their journal format, whatever is missing between them', async () => {
    const bad: Entry[] = [
      ...STORY,
      { type: 'PT', sequence: 7, image: item('B', 1, 1_269_999) },
      { type: 'PT', sequence: 8, image: item('C', 1) },
      { type: 'PT', sequence: 9, image: item('D', 1, 1_269_998) },
    ];
    const spec = (formats: string[]) => ({ columns: { since: { type: 'date', formats } }, tolerance: 0.5 });
    const staged = await extract(bad, { maxGap: 0 }, spec(['CYYMMDD']));
    expect(staged.batch.quarantined).toBe(2);
    const kept = staged.files.find(({ key }) => key.startsWith('quarantine/'))?.path ?? '';
    const format = JournalFormat.parse({
      ...journal({ copybooks: 'item.cpy', dateOrder: 'ymd', maxGap: 0 }),
      texts: { 'item.cpy': ITEM },
    });
    const path = join(bench.root, 'again');
    const written = await withSession((session) =>
      writeRecordFile(
        session,
        `(SELECT row_number() OVER (ORDER BY record) AS position, raw FROM read_parquet('${kept}'))`,
        { format, context: {}, path },
      ),
    );
    expect(written.refused).toEqual([]);
    const again = await bench.extract(await readFile(path), { format: written.format });
    expect(await rows(again, 'CODE, _op, _sequence, SINCE')).toEqual([
      ['B', 'i', '7', 1_269_999],
      ['D', 'i', '9', 1_269_998],
    ]);
  });
});

describe('files of a journal', () => {
  test('are one unit of work, and each goes on where bronze ends', async () => {
    const root = await mkdtemp(join(bench.root, 'files-'));
    await mkdir(join(root, 'in'));
    await mkdir(join(root, 'copybooks'));
    const format = {
      ...journal({ copybooks: 'item.cpy', dateOrder: 'ymd' }),
      texts: { 'item.cpy': ITEM },
    };
    const source = FilesSource.parse({
      ...{ kind: 'files', root: 'in' },
      streams: { t: { path: 'JRN*', format } },
    });
    const connector = filesConnector(source, 't');
    const lake = await openLocalStore(join(root, 'lake'));
    const write = (name: string, entries: Entry[]) =>
      writeFile(join(root, 'in', name), Buffer.concat(entries.map(entry)));
    const run = async (): Promise<number> => {
      const context = {
        ...{ source: 's', stream: 't', interval: INTERVAL, root, lake, run: 'r' },
        batches: (await readManifest(lake, 's', 't')).batches,
        ...{ secret: () => Promise.resolve(''), signal: new AbortController().signal },
        ...{ extractedAt: '2026-01-06T00:00:00.000Z', workDir: bench.workDir, onProgress: () => undefined },
      };
      const units = await connector.plan(context);
      expect(units.length).toBeLessThanOrEqual(1);
      let loaded = 0;
      for (const unit of units)
        for await (const staged of connector.load(unit, context))
          for (const { batch } of await commitBatches(lake, 's', 't', staged)) loaded += batch.loaded;
      return loaded;
    };
    const next = (sequence: number): Entry[] => [{ type: 'PT', sequence, image: item('B', 1) }];
    await write('JRN9', STORY);
    await write('JRN10', next(7));
    expect(await run()).toBe(4);
    await write('JRN12', next(100));
    await expect(run()).rejects.toMatchObject({ name: 'JournalGap' });
    await write(
      'JRN11',
      Array.from({ length: 92 }, (_, n) => next(8 + n)[0] as Entry),
    );
    expect(await run()).toBe(93);
  });
});

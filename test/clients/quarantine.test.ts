import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  dropQuarantinedBatch,
  listQuarantined,
  replayQuarantined,
  showQuarantined,
} from '../../clients/quarantine.js';
import { withDuckDb } from '../../engines/lake/duckdb.js';
import { readFreshness, readStreamProfile, summarizeStreams } from '../../clients/streams.js';
import { load, rowsOf, streamProject } from './stream-project.js';
import { temporaryFolder } from './support.js';

const HEADER = 'name;id;note\n';
const LINES = [
  'Ana;1;first',
  'Bo;x2;second',
  '"Cy;3;an unclosed quote',
  'Dé;4;vierte',
  'Eve;x5;"two',
  'lines"',
  'Flo;6;sixth;and more',
  'Gus;7;',
].join('\n');

let folder: string;
const csvProject = (columns: string): void =>
  streamProject(folder, {
    ...{ name: 'customers', format: `csv({ delimiter: ';' })`, path: '*.csv' },
    more: `tolerance: 0.9, ${columns}`,
  });
const TYPED = `columns: { id: 'int32', name: 'text', note: 'text' }`;
const PREFIXED = `columns: { id: { type: 'text' }, name: 'text', note: 'text' }, contract: { types: 'evolve' }`;

beforeEach(async () => {
  folder = temporaryFolder();
  mkdirSync(join(folder, 'in'));
});

describe('records of a delimited file', () => {
  beforeEach(async () => {
    writeFileSync(join(folder, 'in/a.csv'), HEADER + LINES);
    csvProject(TYPED);
    await load(folder, 'customers');
  });

  test('are listed by batch with their reasons, and shown with place and bytes', async () => {
    const [listed, ...others] = await listQuarantined(folder);
    expect(others).toEqual([]);
    expect(listed).toMatchObject({
      source: 'crm',
      stream: 'customers',
      file: 'a.csv',
      records: 4,
      state: 'open',
    });
    expect(listed?.reasons[0]).toEqual({
      reason: 'column "id": … is not int32',
      ...{ records: 2, example: `column "id": 'x2' is not int32` },
    });
    const shown = await showQuarantined(folder, 'crm.customers', { limit: 10 });
    expect(shown.map(({ record, line, text }) => [record, line, text])).toEqual([
      [2, 3, 'Bo;x2;second'],
      [3, 4, '"Cy;3;an unclosed quote'],
      [5, 6, 'Eve;x5;"two\nlines"'],
      [6, 8, 'Flo;6;sixth;and more'],
    ]);
    expect(shown[0]?.reason).toContain(`'x2' is not int32`);
    expect(await showQuarantined(folder, 'crm.customers', { limit: 1 })).toHaveLength(1);
  });

  test('stay as they are while none fits', async () => {
    const [outcome] = await replayQuarantined(folder, 'crm.customers', {});
    expect(outcome).toMatchObject({ read: 4, loaded: 0, quarantined: 4, into: null });
    expect(outcome?.why).toContain(`'x2' is not int32`);
    expect(await listQuarantined(folder)).toMatchObject([{ state: 'open', records: 4 }]);
  });

  test('come in once after the declaration was mended, from their own places', async () => {
    csvProject(PREFIXED);
    const [outcome] = await replayQuarantined(folder, 'crm.customers', { who: 'ana' });
    expect(outcome).toMatchObject({ file: 'a.csv', read: 4, loaded: 2, quarantined: 2 });
    expect(await rowsOf(folder, 'customers', 'name, _source_file, _source_position')).toEqual([
      ['Ana', 'a.csv', '1'],
      ['Bo', 'a.csv', '2'],
      ['Dé', 'a.csv', '4'],
      ['Eve', 'a.csv', '5'],
      ['Gus', 'a.csv', '7'],
    ]);
    const left = await showQuarantined(folder, 'crm.customers', { limit: 10 });
    expect(left.map(({ record, line, text, batch }) => [record, line, text, batch])).toEqual([
      [3, 4, '"Cy;3;an unclosed quote', outcome?.into],
      [6, 8, 'Flo;6;sixth;and more', outcome?.into],
    ]);
    const listed = await listQuarantined(folder, 'crm', true);
    expect(listed).toMatchObject([
      { state: 'replayed', replay: outcome?.into, decisions: [{ event: 'replayed', who: 'ana', loaded: 2 }] },
      { state: 'open', records: 2 },
    ]);
    const again = await replayQuarantined(folder, 'crm.customers', { batch: outcome?.batch });
    expect(again).toEqual([outcome]);
    expect(await rowsOf(folder, 'customers', 'name')).toHaveLength(5);
    expect(await summarizeStreams(folder)).toMatchObject([
      { read: 7, loaded: 5, replayed: 2, open: 2, dropped: 0, batches: 2, differences: [] },
    ]);
  });

  test('of two replays at once one counts', async () => {
    csvProject(PREFIXED);
    const both = await Promise.all([
      replayQuarantined(folder, 'crm.customers', {}),
      replayQuarantined(folder, 'crm.customers', {}),
    ]);
    expect(both[0]).toEqual(both[1]);
    expect(await rowsOf(folder, 'customers', 'name')).toHaveLength(5);
    const [origin] = await listQuarantined(folder, 'crm', true);
    expect(origin?.decisions).toHaveLength(1);
  });

  test('a replay that was killed before it was noted is noted by the next one', async () => {
    csvProject(PREFIXED);
    const [outcome] = await replayQuarantined(folder, 'crm.customers', {});
    rmSync(join(folder, '.millrace/lake/quarantine/crm/customers/_log'), { recursive: true });
    expect(await replayQuarantined(folder, 'crm.customers', { who: 'ana' })).toMatchObject([outcome, {}]);
    const [origin] = await listQuarantined(folder, 'crm', true);
    expect(origin).toMatchObject({ state: 'replayed', decisions: [{ event: 'replayed', who: 'ana' }] });
    expect(await rowsOf(folder, 'customers', 'name')).toHaveLength(5);
  });

  test('can be dropped, and read again all the same when somebody asks for that batch', async () => {
    const [listed] = await listQuarantined(folder);
    const batch = listed?.batch ?? '';
    await expect(
      dropQuarantinedBatch(folder, 'crm.customers', { batch: 'zzz', why: 'no' }),
    ).rejects.toMatchObject({ type: 'ObjectMissing' });
    const drop = { batch: batch.slice(0, 8), why: 'test accounts', who: 'ana' };
    expect(await dropQuarantinedBatch(folder, 'crm.customers', drop)).toEqual({ batch, records: 4 });
    expect(await listQuarantined(folder)).toEqual([]);
    expect(await summarizeStreams(folder)).toMatchObject([{ read: 7, loaded: 3, open: 0, dropped: 4 }]);
    csvProject(PREFIXED);
    expect(await replayQuarantined(folder, 'crm.customers', {})).toEqual([]);
    expect(await replayQuarantined(folder, 'crm.customers', { batch })).toMatchObject([{ loaded: 2 }]);
    await expect(dropQuarantinedBatch(folder, 'crm.customers', drop)).rejects.toMatchObject({
      type: 'CommitConflict',
    });
  });

  test('of a file in another encoding are read in it again', async () => {
    const text = `${HEADER}Zoë;1;x\nJürgen;y;ß\nRené;z;x\nMüller;4;x\n`;
    writeFileSync(join(folder, 'in/b.csv'), Buffer.from(text, 'latin1'));
    writeFileSync(join(folder, 'in/c.csv'), Buffer.from(`\ufeff${text}`, 'utf16le'));
    await load(folder, 'customers');
    csvProject(PREFIXED);
    await replayQuarantined(folder, 'crm.customers', {});
    const rows = await rowsOf(folder, 'customers', `_source_file, name`, `id IN ('y', 'z')`);
    expect(rows).toEqual([
      ['b.csv', 'Jürgen'],
      ['b.csv', 'René'],
      ['c.csv', 'Jürgen'],
      ['c.csv', 'René'],
    ]);
  });

  test('the profile of the last load is held against the one before', async () => {
    writeFileSync(join(folder, 'in/b.csv'), `${HEADER};100;x\n;200;x\nHal;300;x\n`);
    await load(folder, 'customers');
    const { batch, before, profile, drift } = await readStreamProfile(folder, 'crm.customers');
    expect([before?.source.file, batch.source.file, profile.rows]).toEqual(['a.csv', 'b.csv', 3]);
    expect(drift).toContainEqual({ name: 'id', changes: ['mean was 4.00000'] });
    expect(drift.find(({ name }) => name === 'name')?.changes).toContain('null was 0.0 %');
  });
});

test('a stream that was never loaded is in error once it declares a limit', async () => {
  writeFileSync(join(folder, 'in/a.csv'), `${HEADER}Ana;1;x\n`);
  csvProject(`freshness: { warnAfter: '1h', errorAfter: '2h' }`);
  expect(await readFreshness(folder)).toMatchObject([{ stream: 'customers', status: 'error', at: null }]);
  await load(folder, 'customers');
  const later = (hours: number) => readFreshness(folder, 'crm', new Date(Date.now() + hours * 3_600_000));
  expect((await later(0))[0]?.status).toBe('fresh');
  expect((await later(1.5))[0]?.status).toBe('warn');
  expect((await later(3))[0]?.status).toBe('error');
  await expect(readFreshness(folder, 'crn')).rejects.toThrow(`did you mean 'crm'?`);
});

describe('records of other formats', () => {
  const replayed = async (stream: string, before: string, after: string, format: string, file: string) => {
    const declare = (columns: string, contract: string): void =>
      streamProject(folder, {
        ...{ name: stream, format, path: file },
        more: `tolerance: 0.9, columns: ${columns}, contract: '${contract}'`,
      });
    declare(before, 'freeze');
    await load(folder, stream);
    declare(after, 'evolve');
    return replayQuarantined(folder, `crm.${stream}`, {});
  };

  test('JSON lines', async () => {
    const lines = [
      '{"id": 1, "n": 9007199254740993}',
      '{"id": "x", "n": 2}',
      '{"id": 3',
      '{"id": 4, "n": 1}',
    ];
    writeFileSync(join(folder, 'in/a.jsonl'), lines.join('\n'));
    const [outcome] = await replayed(
      ...([
        'events',
        `{ id: 'int64', n: 'int64' }`,
        `{ id: 'text', n: 'int64' }`,
        'jsonl()',
        'a.jsonl',
      ] as const),
    );
    expect(outcome).toMatchObject({ read: 2, loaded: 1, quarantined: 1 });
    const left = await showQuarantined(folder, 'crm.events', { limit: 5 });
    expect(left.map(({ record, text }) => [record, text])).toEqual([[3, '{"id": 3']]);
  });

  test('fixed places', async () => {
    writeFileSync(join(folder, 'in/a.txt'), '001Ana\nx02Bo \n003Cy \n');
    const fixed = 'fixed({ fields: { id: { start: 1, length: 3 }, name: { start: 4, length: 3 } } })';
    const [outcome] = await replayed(
      ...([
        'people',
        `{ id: 'int32', name: 'text' }`,
        `{ id: 'text', name: 'text' }`,
        fixed,
        'a.txt',
      ] as const),
    );
    expect(outcome).toMatchObject({ read: 1, loaded: 1, quarantined: 0 });
    expect(await rowsOf(folder, 'people', 'name, _source_position', `id = 'x02'`)).toEqual([['Bo', '2']]);
  });

  test('a mainframe file whose copybook was wrong', async () => {
    const record = (id: string, packed: number[]): Buffer =>
      Buffer.concat([Buffer.from([...id].map((digit) => 0xf0 + Number(digit))), Buffer.from(packed)]);
    const good = [0x01, 0x2c];
    writeFileSync(
      join(folder, 'in/a.dat'),
      Buffer.concat([record('001', good), record('002', [0xf1, 0xf2]), record('003', [0xf3, 0xf4])]),
    );
    const copybook = (amount: string): void =>
      writeFileSync(
        join(folder, 'a.cpy'),
        `       01  R.\n           05  ID      PIC 9(3).\n           05  AMOUNT  ${amount}.\n`,
      );
    copybook('PIC S9(3) COMP-3');
    streamProject(folder, {
      ...{ name: 'ledger', format: `copybook('a.cpy')`, path: 'a.dat' },
      more: `tolerance: 0.9, contract: { types: 'evolve' }`,
    });
    await load(folder, 'ledger');
    const shown = await showQuarantined(folder, 'crm.ledger', { limit: 5 });
    expect(
      shown.map(({ record: number, byte, text, raw }) => [number, byte, text, raw.toString('hex')]),
    ).toEqual([
      [2, 5, null, 'f0f0f2f1f2'],
      [3, 10, null, 'f0f0f3f3f4'],
    ]);
    expect(shown[0]?.characters).toBe('00212');
    // in one group, whatever the bytes
    expect((await listQuarantined(folder))[0]?.reasons).toEqual([
      {
        reason: 'AMOUNT: bad packed digit',
        ...{ records: 2, example: 'AMOUNT: bad packed digit 0xf1 at byte 8' },
      },
    ]);
    // what does not fit again is told with its place in the file it came in
    const [failed] = await replayQuarantined(folder, 'crm.ledger', {});
    expect(failed?.why).toContain('record 2 (byte 5): AMOUNT: bad packed digit 0xf1 at byte 8');
    expect(failed?.why).toContain('record 3 (byte 10): AMOUNT: bad packed digit 0xf3 at byte 13');
    copybook('PIC 9(2)');
    expect(await replayQuarantined(folder, 'crm.ledger', {})).toMatchObject([{ loaded: 2, quarantined: 0 }]);
    expect(await rowsOf(folder, 'ledger', 'ID, AMOUNT, _source_position')).toEqual([
      [1, 12, '1'],
      [2, 12, '2'],
      [3, 34, '3'],
    ]);
  });

  test('a mainframe record that a replay leaves out keeps its bytes of the original file', async () => {
    const digits = (text: string): number[] => [...text].map((one) => 0xf0 + Number(one));
    const records = [digits('00112'), [...digits('002'), 0xf3, 0x5a], [...digits('003'), 0xd3, 0xf4]];
    writeFileSync(join(folder, 'in/a.dat'), Buffer.from(records.flat()));
    const copybook = (first: string, second: string): void =>
      writeFileSync(
        join(folder, 'a.cpy'),
        `       01  R.\n           05  ID  PIC 9(3).\n           05  A  PIC ${first}.\n           05  B  PIC ${second}.\n`,
      );
    copybook('9', '9');
    streamProject(folder, {
      ...{ name: 'ledger', format: `copybook('a.cpy')`, path: 'a.dat' },
      more: `tolerance: 0.9, contract: { types: 'evolve' }`,
    });
    await load(folder, 'ledger');
    copybook('S9', '9');
    expect(await replayQuarantined(folder, 'crm.ledger', {})).toMatchObject([{ loaded: 1, quarantined: 1 }]);
    const [left] = await showQuarantined(folder, 'crm.ledger', { limit: 5 });
    expect(left).toMatchObject({ record: 2, line: 0, byte: 5, reason: 'B: bad digit 0x5a at byte 9' });
  });

  test('Parquet, whose rows are kept as JSON', async () => {
    const rows = `(VALUES ('1', DATE '2026-01-05', 0.30), ('x2', DATE '2026-01-06', 12345678901234.55)) t(id, day, net)`;
    await withDuckDb({ workDir: folder }, ([session]) =>
      session.run(`COPY (FROM ${rows}) TO '${join(folder, 'in/a.parquet')}' (FORMAT parquet)`),
    );
    const columns = (id: string): string => `{ id: '${id}', day: 'date', net: 'decimal(18,2)' }`;
    const [outcome] = await replayed(
      ...(['sales', columns('int32'), columns('text'), 'parquet()', 'a.parquet'] as const),
    );
    expect(outcome).toMatchObject({ read: 1, loaded: 1, quarantined: 0 });
    expect(await rowsOf(folder, 'sales', 'day::VARCHAR, net, _source_position')).toEqual([
      ['2026-01-05', '0.30', '1'],
      ['2026-01-06', '12345678901234.55', '2'],
    ]);
  });
});

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateWeek } from '../../examples/engagement/generate.js';
import engagement from '../../examples/engagement/millrace.js';
import { extractFile } from '../../engines/sources/extract-file.js';
import { listStreamFiles } from '../../engines/sources/list-files.js';
import { LocalPlace } from '../../engines/sources/places/local.js';
import { openDuckDb } from '../../engines/warehouse/duckdb.js';
import { quoteText } from '../../engines/warehouse/port.js';
import { Project } from '../../schemas/project.js';
import { FilesSource } from '../../schemas/source.js';
import type { Week } from '../../examples/engagement/generate.js';

const INTERVAL = { start: '2025-11-03T00:00:00.000Z', end: '2025-11-10T00:00:00.000Z' };
const crm = FilesSource.parse(Project.parse(engagement).sources.crm);

let root: string;
let week: Week;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-engagement-'));
  await mkdir(join(root, 'work'));
  week = await generateWeek({ out: root, week: '2025-11-03', customers: 10_000 });
});
afterAll(() => rm(root, { recursive: true, force: true }));

test.each(['web_customers', 'store_customers'] as const)(
  'extracting %s quarantines exactly its broken records and loads all others',
  async (stream) => {
    const spec = crm.streams[stream]!;
    const place = new LocalPlace(root);
    const [listed] = await listStreamFiles({ place, path: spec.path, interval: INTERVAL });
    const { batch, files } = await extractFile({
      source: 'crm',
      stream,
      spec,
      file: await place.fetch(listed!),
      interval: INTERVAL,
      extractedAt: INTERVAL.end,
      run: 'test',
      workDir: join(root, 'work'),
    });
    const { rows, brokenRows } = week.files.find((written) => written.stream === stream)!;
    expect(brokenRows).toBeGreaterThan(0);
    expect(batch).toMatchObject({
      read: rows,
      loaded: rows - brokenRows,
      quarantined: brokenRows,
      filtered: 0,
    });

    const warehouse = await openDuckDb({ path: ':memory:', memoryLimit: '512MB' });
    try {
      const part = files.find(({ key }) => key === batch.parts[0]!.uri)!;
      const [found] = await warehouse.query(
        `select
           count(*) filter (where signup_date is null or signup_date >= date '2025-09-01') as wrong_dates,
           count(*) filter (where full_name like '%Müller') > 0 as umlauts,
           count(*) filter (where city in ('NULL', 'n/a')) as unread_nulls,
           count(*) filter (where city is null) > 0 as nulls,
           count(distinct engaged_7d) as outcomes
         from read_parquet(${quoteText(part.path)})`,
      );
      expect(found).toEqual({ wrong_dates: 0, umlauts: true, unread_nulls: 0, nulls: true, outcomes: 2 });
    } finally {
      await warehouse.close();
    }
  },
);

import { readdir } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { csv } from '../../../schemas/format.js';
import { splitArchivePath } from '../../../engines/sources/open-file.js';
import { zip } from '../../support/zip.js';
import { Bench, quarantineOf, readParquet, rowsOf } from './support.js';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.open();
});
afterEach(() => bench.close());

const columns = { id: 'int32', v: 'text' } as const;

describe('zip', () => {
  test('its entries are one batch whose positions go on', async () => {
    const archive = zip([
      { name: 'a.csv', content: 'id,v\n1,a\n2,b\n' },
      { name: 'folder/', content: '' },
      { name: 'folder/b.csv', content: 'v,id\nc,3\nd,x\n' },
      { name: 'c.csv.gz', content: gzipSync('id,v\n5,e\n') },
    ]);
    const staged = await bench.extract(archive, { columns, tolerance: 0.5 });
    expect(staged.batch).toMatchObject({ read: 5, loaded: 4, quarantined: 1, source: { file: 'data.csv' } });
    const paths = staged.files.filter(({ key }) => key.startsWith('bronze/') && key.endsWith('.parquet'));
    const rows = await Promise.all(
      paths.map(({ path }) => readParquet(path, 'id, v, _source_file, _source_position')),
    );
    expect(rows.flat()).toEqual([
      [1, 'a', 'data.csv!a.csv', '1'],
      [2, 'b', 'data.csv!a.csv', '2'],
      [3, 'c', 'data.csv!folder/b.csv', '3'],
      [5, 'e', 'data.csv!c.csv.gz', '5'],
    ]);
    expect(await quarantineOf(staged)).toMatchObject([{ record: 4, line: 3, byte: 9 }]);
    const again = await bench.extract(archive, { columns, tolerance: 0.5 });
    expect(again.batch.parts).toEqual(staged.batch.parts);
  });

  test('the path may name the entries', async () => {
    expect(splitArchivePath('in/*.zip!a*.csv')).toEqual(['in/*.zip', 'a*.csv']);
    expect(splitArchivePath('in/!(x).csv')).toEqual(['in/!(x).csv', undefined]);
    const archive = zip([
      { name: 'a.csv', content: 'id,v\n1,a\n' },
      { name: 'readme.txt', content: 'hello' },
    ]);
    const staged = await bench.extract(archive, { columns, path: '*!*.csv' });
    expect(await rowsOf(staged)).toEqual([[1, 'a']]);
    await expect(bench.extract(archive, { columns, path: '*!*.tsv' })).rejects.toThrow(
      "it has 'a.csv', 'readme.txt'",
    );
  });

  test.each([
    [
      'cut off',
      (whole: Buffer) => whole.subarray(0, whole.length - 30),
      'SourceUnreadable',
      'cannot be unpacked',
    ],
    [
      'with a password',
      () => zip([{ name: 'a', content: 'id', encrypted: true }]),
      'SourceUnreadable',
      'is encrypted',
    ],
    ['empty', () => zip([]), 'SourceEmpty', 'no file with content'],
    ['a bomb', () => zip([{ name: 'a', content: 'id', claims: 3e9 }]), 'ArchiveTooLarge', '3,000,000,000'],
    [
      'of files that do not belong together',
      () =>
        zip([
          { name: 'a', content: 'id,v\n1,a\n' },
          { name: 'b', content: 'id,w\n1,a\n' },
        ]),
      'SchemaMismatch',
      "'w' (text) is new",
    ],
  ])('an archive %s is refused', async (_what, make, type, message) => {
    const failed = bench.extract(make(zip([{ name: 'a', content: 'id,v\n1,a\n' }])));
    await expect(failed).rejects.toMatchObject({ type });
    await expect(failed).rejects.toThrow(message);
    expect(await readdir(bench.workDir)).toEqual([]);
  });
});

describe('other compressions', () => {
  /** 60,000 lines, `n % 10` and one of seven letters, in three blocks by `bzip2 -1` */
  const PACKED =
    'QlpoMTFBWSZTWedboqgAYaNZAAAQAAR/4D+AUANcAB4AApkxMgyMKZMTIMjCmTEyDIwTVVRo/9VExMNApVRMmn/qoJg4Si/0ovCUXlKL0lF7Si4SiyUWiiyUWSiyUWSiyUWSiyUWiiyUWSiyUWSiyUWSiyUWiiyUWSiyUWSiyUWSiyUWiiyUWSiyUWSiyUWSiyUWSiyUX1koslFkoslFkov1KLJRZKLJRZKLJRZKLJRZKLJRZKLJRZKLJRZKLJRZKLJRZKLJRZKLJRZKLhKLrFF2kU7yKeJFP+RTzIp6kU9yKfJFNIppFMoppFNIppFNIppFNIppFNIppFNIplFNIppFNIppFNIppFNIppFNIppFMoppFNIppFNIppFNIppFNIppFNIplFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFPz3QlBfKEoL6YoKyTKay+n5GXgCxJLIAACAACP/AfwCgBr3gAIABTJiZBkYUyYmQZGFMmJkGRgUqoTf6qJgRgUqqGhv9SoaNqeOpFPEin7Ip7SKf0inmRT5IppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFMoplFNIppFNIppFNIppFNIplFNIppFNIppFNIppFNIplFNIppFNIppFP35IpwkU7yKeJFPMinqRT3Ip/SKeVFOpFNIppFNIppFNIppFNIppFNIplFMoppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIppFNIp1yRTkinJFOSKckU5IpyRTkinJFOSKZRTSKaRTqhKC+qEoL/MUFZJlNZvNJjGABDTtkAABAABH/gP4BAAx3ACQBCmTEyDIwpkxMgyME1VVGP/VUf6qAATVUgHqMDUyFWwVbhVxCrkKugqyFWCrBVgqwVYKsFWCrBVgqwVYKsFWCrBVgqwVYKsFWCrBVgqwVYKsFWCrBVgqwVYKsFWCrBVgqwVYKsFWCrBVgqwVYKsFWCrBVgqwVYKsFWCrBVgqwVYKsFWCrBVgqwVYKsFWCrBV6CrvkKvoVfgq1CrYKtwq4CrkKugqyFWAqwFXBVwVcFXBVwVcFXBVwVdCrgq4KuCrgq4KuCrgq4KuCrqpXQq4KuCrgq4KuCrgq4KuCrgq4KuCrgq4KuCrgq4KuCrgq4KuCrgq4KuCrgq4KuCrgq4KuCrgq4KuCrgq4KuCrgqwFWAq6UVCsqklWmlShL+LuSKcKEht4VfygA==';

  test('bzip2 is recognised and checked', async () => {
    const packed = Buffer.from(PACKED, 'base64');
    const staged = await bench.extract(Buffer.concat([packed, packed]), {
      format: csv({ header: false }),
      columns,
    });
    expect(staged.batch).toMatchObject({ read: 120_000, loaded: 120_000 });
    const [sums] = await readParquet(staged.files[0]?.path ?? '', 'sum(id)::BIGINT, count(DISTINCT v)');
    expect(sums).toEqual(['540000', '7']);
    const damaged = Buffer.from(packed);
    damaged.writeUInt8(damaged.readUInt8(packed.length >> 1) ^ 4, packed.length >> 1);
    for (const broken of [damaged, packed.subarray(0, packed.length - 20)]) {
      await expect(bench.extract(broken, { format: csv({ header: false }), columns })).rejects.toMatchObject({
        type: 'SourceUnreadable',
      });
    }
  });

  test('several gzip members are one text', async () => {
    const staged = await bench.extract(Buffer.concat([gzipSync('id,v\n1,a\n'), gzipSync('2,b\n')]), {
      columns,
    });
    expect(await rowsOf(staged)).toEqual([
      [1, 'a'],
      [2, 'b'],
    ]);
  });

  test('a gzip bomb is refused', async () => {
    const bomb = gzipSync(Buffer.alloc(300 << 20, 'x'));
    await expect(bench.extract(bomb, { columns })).rejects.toMatchObject({ type: 'ArchiveTooLarge' });
  });
});

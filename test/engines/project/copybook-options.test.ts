import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadProject } from '../../../engines/project/load.js';
import { Secrets } from '../../../engines/secrets/secrets.js';

test('a slip in an option of a copybook is told when the project is loaded, with its stream', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-options-'));
  try {
    await writeFile(join(folder, 'a.cpy'), '       01 R.\n         05 A PIC X.\n');
    const declare = (options: string): Promise<void> =>
      writeFile(
        join(folder, 'millrace.ts'),
        `export default { name: 'sales', sources: { host: { kind: 'files', root: '.', streams: { s: { path: 'a.dat',
          format: { kind: 'copybook', copybooks: ['a.cpy'], options: { ${options} } } } } } } }`,
      );
    await declare(`recordformat: 'V'`);
    await expect(loadProject(folder)).rejects.toMatchObject({
      type: 'ProjectInvalid',
      where: { path: 'sources.host.streams.s.format.options' },
      fix: "Did you mean 'record_format'?",
    });
    await declare(`recordformat: 'V', pedantic: false`);
    await expect(loadProject(folder)).resolves.toMatchObject({ spec: { name: 'sales' } });
    await declare(`record_format: 'VV'`);
    await expect(loadProject(folder)).rejects.toThrow('docs/reference/copybook.md');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('a secret that is not there is missing from the environment of this process', async () => {
  await expect(new Secrets({}).resolve('env:NONE')).rejects.toThrow("this process's environment has no NONE");
});

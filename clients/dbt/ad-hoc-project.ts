import { createHash } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { homeDir } from '../../deploy/local/home.js';
import type { ProjectInput } from '../../schemas/project.js';

/**
 * Declares a bare dbt project to Temporal's workers: a project folder of its own below the home, the same for the same
 * dbt project and warehouse, so that a run can be resumed.
 *
 * @returns the folder
 */
export async function adHocProject(
  name: string,
  dir: string,
  warehouse: ProjectInput['warehouse'],
): Promise<string> {
  const declared: ProjectInput = {
    name: name
      .toLowerCase()
      .replace(/[^a-z0-9_]/g, '_')
      .replace(/^[^a-z]/, 'p$&')
      .slice(0, 60),
    warehouse,
    transform: { dir, env: 'inherit' },
  };
  const text = `export default ${JSON.stringify(declared, null, 2)};\n`;
  const key = createHash('sha256').update(text).digest('hex').slice(0, 12);
  const folder = join(homeDir(), 'dbt', `${declared.name}-${key}`);
  await mkdir(folder, { recursive: true });
  // whole or not at all: another command may read it now
  const aside = join(folder, `.millrace.${process.pid}.mjs`);
  await writeFile(aside, text);
  await rename(aside, join(folder, 'millrace.mjs'));
  return folder;
}

import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { glob } from 'tinyglobby';
import { MillraceError } from '../../schemas/errors.js';
import { Project, type ProjectRef } from '../../schemas/project.js';
import { sha256 } from '../lake/content.js';
import type { ObjectStore } from '../lake/store.js';
import type { LoadedProject } from './load.js';

interface Snapshot {
  spec: Project;
  root: string;
  /** path below the project → SHA-256 */
  files: Record<string, string>;
}

/** Paths in a project start at its folder. */
export const within = (root: string, path: string): string => (isAbsolute(path) ? path : resolve(root, path));

/**
 * Copies what a run depends on (the validated declaration and the dbt project) into the lake, named by content, so
 * that an edit in mid-run changes nothing and every worker reads the same. The snapshot's own file comes last: it is
 * the commit.
 */
export async function takeSnapshot(store: ObjectStore, { root, spec }: LoadedProject): Promise<ProjectRef> {
  const contents = new Map<string, Buffer>();
  if (spec.transform) {
    const dir = within(root, spec.transform.dir);
    const paths = await glob(['**/*'], { cwd: dir, ignore: ['target/**', 'logs/**', '**/.*'], dot: false });
    for (const path of paths.sort())
      contents.set(path.replaceAll('\\', '/'), await readFile(join(dir, path)));
    if (contents.size === 0) {
      throw new MillraceError('DbtProjectInvalid', {
        what: `the transform's folder ${dir} has no files`,
        where: { path: 'transform.dir' },
        fix: 'Point transform.dir to the folder that holds dbt_project.yml',
      });
    }
  }
  const files = Object.fromEntries([...contents].map(([path, bytes]) => [path, sha256(bytes)]));
  const body = JSON.stringify({ spec, root, files } satisfies Snapshot);
  const hash = sha256(body).slice(0, 32);
  const prefix = `projects/${spec.name}/${hash}`;
  const ref = { name: spec.name, root, lake: store.uri, hash };
  if ((await store.list(`${prefix}/project.json`)).length > 0) return ref;
  for (const [path, bytes] of contents) await store.put(`${prefix}/files/${path}`, bytes);
  await store.putIfAbsent(`${prefix}/project.json`, Buffer.from(body));
  return ref;
}

/** @returns the declaration and a local folder with the dbt project of a snapshot */
export async function openSnapshot(
  store: ObjectStore,
  ref: ProjectRef,
): Promise<{ spec: Project; dbtDir: string | null }> {
  const prefix = `projects/${ref.name}/${ref.hash}`;
  const snapshot = JSON.parse((await store.get(`${prefix}/project.json`)).toString()) as Snapshot;
  let dbtDir: string | null = null;
  for (const path of Object.keys(snapshot.files)) {
    const local = await store.localFile(`${prefix}/files/${path}`);
    if (path === 'dbt_project.yml') dbtDir = dirname(local);
  }
  return { spec: Project.parse(snapshot.spec), dbtDir };
}

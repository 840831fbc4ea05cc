import { copyFile, mkdir, mkdtemp, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { glob } from 'tinyglobby';
import { MillraceError } from '../../schemas/errors.js';
import { Project, type ProjectRef } from '../../schemas/project.js';
import { sha256 } from '../lake/content.js';
import type { LakeRef } from '../lake/open-lake.js';
import type { ObjectStore } from '../lake/store.js';
import type { LoadedProject } from './load.js';
import { within } from './within.js';

interface Snapshot {
  spec: Project;
  root: string;
  /** path below the project → SHA-256 */
  files: Record<string, string>;
}

/** Where a project's lake is. */
export const lakeOf = ({ root, spec }: Pick<LoadedProject, 'root' | 'spec'>): LakeRef =>
  spec.lake.kind === 's3' ? spec.lake : within(root, spec.lake.path);

/** what a dbt project is written in: a warehouse's file may lie beside it, and change with every run */
const SOURCE = /(?:\.(?:sql|py|csv|ya?ml|md)|(?:^|\/)\.dbtignore)$/i;
/** nobody's models; and profiles hold passwords, which are no part of a project */
const LEFT_OUT = [
  ...['target/**', 'logs/**', 'profiles.yml'],
  ...['**/node_modules/**', '**/venv/**', '**/__pycache__/**'],
];

/**
 * Copies what a run depends on (the validated declaration and the dbt project) into the lake, named by content, so
 * that an edit in mid-run changes nothing and every worker reads the same. The snapshot's own file comes last: it is
 * the commit.
 */
export async function takeSnapshot(
  store: ObjectStore,
  { root, spec }: Pick<LoadedProject, 'root' | 'spec'>,
): Promise<ProjectRef> {
  const contents = new Map<string, Buffer>();
  if (spec.transform) {
    const dir = within(root, spec.transform.dir);
    const paths = await glob(['**/*', '.dbtignore'], { cwd: dir, ignore: LEFT_OUT });
    for (const path of paths.filter((each) => SOURCE.test(each)).sort())
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
  const ref = { name: spec.name, root, lake: spec.lake.kind === 's3' ? spec.lake : store.uri, hash };
  if ((await store.list(`${prefix}/project.json`)).length > 0) return ref;
  for (const [path, bytes] of contents) await store.put(`${prefix}/files/${path}`, bytes);
  await store.putIfAbsent(`${prefix}/project.json`, Buffer.from(body));
  return ref;
}

/**
 * @param scratch gives a folder for a copy of the dbt project, when the lake's files do not lie in their tree on this machine
 * @returns the declaration and a local folder with the dbt project of a snapshot
 */
export async function openSnapshot(
  store: ObjectStore,
  ref: ProjectRef,
  scratch: () => string,
): Promise<{ spec: Project; dbtDir: string | null }> {
  const prefix = `projects/${ref.name}/${ref.hash}`;
  const snapshot = JSON.parse((await store.get(`${prefix}/project.json`)).toString()) as Snapshot;
  const locals = new Map<string, string>();
  for (const path of Object.keys(snapshot.files))
    locals.set(path, await store.localFile(`${prefix}/files/${path}`));
  const spec = Project.parse(snapshot.spec);
  const main = locals.get('dbt_project.yml');
  if (main === undefined) return { spec, dbtDir: null };
  // a folder of the lake is the tree itself; a bucket's files lie somewhere in a cache
  const inPlace = [...locals].every(([path, local]) => local === join(dirname(main), path));
  return { spec, dbtDir: inPlace ? dirname(main) : await treeOf(locals, scratch()) };
}

async function treeOf(files: Map<string, string>, scratch: string): Promise<string> {
  const dir = await mkdtemp(join(scratch, 'dbt-'));
  for (const [path, local] of files) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await copyFile(local, join(dir, path));
  }
  return dir;
}

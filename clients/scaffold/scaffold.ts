import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { packageRoot } from '../../deploy/local/home.js';
import { Name } from '../../schemas/common.js';
import { MillraceError } from '../../schemas/errors.js';
import { dbtFiles } from './dbt-files.js';
import { projectFiles } from './project-files.js';
import { sampleOrders } from './sample-orders.js';

export interface ScaffoldedProject {
  name: string;
  root: string;
  /** paths of what was written, below the root */
  files: string[];
}

/**
 * Makes a project that runs: a source with sample files, a dbt project with tests, a pipeline and its schedule.
 * @param name by default made from the folder's name
 * @throws MillraceError FolderNotEmpty, or ProjectInvalid when there is no name to be had
 */
export async function scaffoldProject(folder: string, name?: string): Promise<ScaffoldedProject> {
  const root = resolve(folder);
  const chosen = checkName(name ?? nameOf(root), root);
  await assertEmpty(root);
  const data = Object.fromEntries(sampleOrders().map(({ day, csv }) => [`data/orders/${day}.csv`, csv]));
  const files = { ...projectFiles(chosen, typesPath(root)), ...dbtFiles(chosen), ...data };
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, { flag: 'wx' });
  }
  return { name: chosen, root, files: Object.keys(files) };
}

const nameOf = (root: string): string =>
  basename(root)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^[^a-z]+|_+$/g, '');

function checkName(name: string, root: string): string {
  if (Name.safeParse(name).success) return name;
  throw new MillraceError('ProjectInvalid', {
    what: name
      ? `'${name}' cannot be the name of a project`
      : `no name for the project can be made from ${root}`,
    fix: 'Give one with --name: lower case letters, digits and _, starting with a letter',
  });
}

async function assertEmpty(root: string): Promise<void> {
  const found = await readdir(root).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new MillraceError('FolderNotEmpty', {
      what: error.code === 'ENOTDIR' ? `${root} is a file` : `${root} cannot be read: ${error.message}`,
      fix: 'Name a folder that is new or empty',
      cause: error,
    });
  });
  const others = found.filter((entry) => entry !== '.git');
  if (others.length === 0) return;
  throw new MillraceError('FolderNotEmpty', {
    what: `${root} has files already: ${others.slice(0, 5).join(', ')}${others.length > 5 ? ', …' : ''}`,
    fix: 'Name a folder that is new or empty',
  });
}

/** Where an editor finds the types of `millrace`; null when the project can import it as an installed package. */
function typesPath(root: string): string | null {
  for (let folder = root; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'node_modules', 'millrace'))) return null;
  }
  const path = relative(root, join(packageRoot(), 'dist', 'schemas', 'project.d.ts')).replaceAll('\\', '/');
  return path.startsWith('.') ? path : `./${path}`;
}

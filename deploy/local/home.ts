import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The `.millrace` folder: tools that set-up fetched, the embedded server's database, logs. */
export function homeDir(): string {
  const named = process.env['MILLRACE_HOME'];
  return named ? resolve(named) : join(packageRoot(), '.millrace');
}

/** Folder of this package, from its sources as well as from `dist`. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

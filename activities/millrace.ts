import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Name and version of this package, as events and artifacts give them. */
export const MILLRACE: { name: string; version: string } = { name: 'millrace', version: version() };

function version(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  const file = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  return file.version;
}

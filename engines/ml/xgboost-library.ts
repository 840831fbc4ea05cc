import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import { MillraceError } from '../../schemas/errors.js';

export const XGBOOST_VERSION = '3.2.0';

const FILE = process.platform === 'darwin' ? 'libxgboost.dylib' : 'libxgboost.so';
const SYSTEM_FOLDERS = ['/usr/local/lib', '/usr/lib', '/opt/homebrew/lib', '/usr/lib64'];

type Library = ReturnType<typeof koffi.load>;

let loaded: Library | undefined;

/**
 * The XGBoost library: the one that `XGBOOST_LIBRARY` names, else set-up's, else the system's.
 * @throws MillraceError LibraryMissing with every place that was tried
 */
export function xgboostLibrary(): Library {
  return (loaded ??= load());
}

function load(): Library {
  const named = process.env['XGBOOST_LIBRARY'];
  const kept = join(homeFolder(), 'lib', `xgboost-${XGBOOST_VERSION}`, FILE);
  const candidates = named ? [named] : [kept, ...SYSTEM_FOLDERS.map((folder) => join(folder, FILE)), FILE];
  const tried: string[] = [];
  for (const path of candidates) {
    // a bare name is looked up by the system's loader
    if (path !== FILE && !existsSync(path)) {
      tried.push(`${path} (not there)`);
      continue;
    }
    try {
      loadOpenMp(path);
      return koffi.load(path);
    } catch (cause) {
      tried.push(`${path} (${(cause as Error).message})`);
    }
  }
  throw new MillraceError('LibraryMissing', {
    what: `libxgboost cannot be loaded; tried ${tried.join(', ')}`,
    fix: 'Run npm run setup, or name the library with XGBOOST_LIBRARY',
  });
}

/** The wheel ships its own OpenMP under a hashed name, and only a global load lets libxgboost find its symbols. */
function loadOpenMp(library: string): void {
  if (!existsSync(library)) return;
  const folder = dirname(library);
  const openMp = readdirSync(folder).find((file) => /^libgomp-.*\.so/.test(file));
  if (!openMp) return;
  spinBriefly();
  koffi.load(join(folder, openMp), { global: true });
}

/**
 * OpenMP's threads wait for each other by spinning for milliseconds. On a machine that does anything else they then
 * take the core from the thread they wait for: training took 24 s instead of 4. It reads the setting while it loads,
 * from the process's own environment, which a worker thread's `process.env` is only a copy of.
 */
function spinBriefly(): void {
  if (process.platform !== 'linux') return;
  const setenv = koffi
    .load('libc.so.6')
    .func('int setenv(const char* name, const char* value, int overwrite)');
  setenv('GOMP_SPINCOUNT', '2000', 0);
}

function homeFolder(): string {
  const named = process.env['MILLRACE_HOME'];
  if (named) return resolve(named);
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return join(folder, '.millrace');
}

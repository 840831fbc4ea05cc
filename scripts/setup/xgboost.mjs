// libxgboost, which the training engine calls: one that is named, one of the system, or the pinned wheel's.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readStamp, SetupError, writeStamp } from './report.mjs';
import { run } from './run.mjs';
import { fetchWheel, platform, VERSION } from './wheel.mjs';
import { unzip } from './zip.mjs';

const LIBRARY = process.platform === 'darwin' ? 'libxgboost.dylib' : 'libxgboost.so';
const SYSTEM_FOLDERS = ['/usr/local/lib', '/usr/lib', '/opt/homebrew/lib', '/usr/lib64'];

const name = 'xgboost';
const fix = 'Run `npm run setup`';

/** @param {import('./report.mjs').Places} places @returns {import('./report.mjs').Check} */
export function check(places) {
  const named = process.env.XGBOOST_LIBRARY;
  if (named) {
    const ok = existsSync(named);
    const detail = ok
      ? `XGBOOST_LIBRARY names ${named}`
      : `XGBOOST_LIBRARY names ${named}, which is not there`;
    return { name, ok, detail, fix: 'Correct XGBOOST_LIBRARY or unset it' };
  }
  const stamp = readStamp(places, name);
  const info = stamp && statSync(stamp.path, { throwIfNoEntry: false });
  if (!info) return { name, ok: false, detail: 'no libxgboost yet', fix };
  const ok = info.size === stamp.size && info.mtimeMs === stamp.mtimeMs;
  return { name, ok, detail: ok ? `${stamp.path}, ${stamp.version}` : `${stamp.path} was replaced`, fix };
}

/** @param {import('./report.mjs').Places} places */
export async function ensure(places) {
  if (process.env.XGBOOST_LIBRARY) {
    const { detail, fix: advice } = check(places);
    throw new SetupError({ what: detail, fix: `${advice}.` });
  }
  const tried = ['XGBOOST_LIBRARY: not set'];
  const folder = join(places.home, 'lib', `xgboost-${VERSION}`);
  const kept = join(folder, LIBRARY);
  const system = SYSTEM_FOLDERS.map((path) => join(path, LIBRARY)).filter((path) => existsSync(path));
  const fromWheel = () => install(places, folder, tried);
  const ways = [
    ['a copy from before', () => (existsSync(kept) ? kept : null)],
    ...system.map((path) => ['a library of the system', () => path]),
    [`the wheel of ${VERSION}`, fromWheel],
  ];
  for (const [way, find] of ways) {
    const path = await find();
    if (!path) {
      // the wheel's own ways have told already
      if (find !== fromWheel) tried.push(`${way}: none`);
      continue;
    }
    const { version, reason } = await loadedVersion(path);
    if (version) {
      const { size, mtimeMs } = statSync(path);
      writeStamp(places, name, { path, version, size, mtimeMs, way });
      return;
    }
    tried.push(`${way}: ${path}: ${reason}`);
  }
  const brew = process.platform === 'darwin' ? ' On macOS it needs OpenMP: `brew install libomp`.' : '';
  throw new SetupError({
    what: `libxgboost ${VERSION} could not be had for ${platform()}`,
    tried,
    fix:
      'Install pip (`python3 -m ensurepip`), or download the wheel and name it (a path or an https address) with ' +
      `MILLRACE_WHEEL_URL, or name a libxgboost with XGBOOST_LIBRARY; then start again.${brew}`,
  });
}

/** Takes the library and the OpenMP runtime out of the wheel; the folder appears whole or not at all. */
async function install({ home }, folder, tried) {
  const wheel = await fetchWheel(home, tried);
  if (!wheel) return null;
  const files = unzip(readFileSync(wheel), (path) =>
    /(^|\/)(libxgboost\.(so|dylib)|libgomp[^/]*)$/.test(path),
  );
  const aside = `${folder}.new`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  for (const { path, bytes } of files) writeFileSync(join(aside, basename(path)), bytes, { mode: 0o755 });
  rmSync(folder, { recursive: true, force: true });
  renameSync(aside, folder);
  rmSync(join(home, 'download'), { recursive: true, force: true });
  return readdirSync(folder).includes(LIBRARY) ? join(folder, LIBRARY) : null;
}

/** Really loads it, in a process of its own. @param {string} path @returns {Promise<{ version?: string, reason?: string }>} */
async function loadedVersion(path) {
  const script = fileURLToPath(new URL('xgboost-version.mjs', import.meta.url));
  const { ok, output, reason } = await run(process.execPath, [script, path], { timeoutMs: 30_000 });
  if (!ok) return { reason };
  const version = output.trim();
  const [major, minor] = version.split('.').map(Number);
  const [wantedMajor, wantedMinor] = VERSION.split('.').map(Number);
  // its C interface and model format are stable within a major version, and we use what 3.2 has
  if (major === wantedMajor && minor >= wantedMinor) return { version };
  return { reason: `it is ${version}, and ${VERSION} or a later ${wantedMajor}.x is needed` };
}

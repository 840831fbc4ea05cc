// The Temporal dev server: one that runs already, one on the PATH, the SDK's own download, or a build from source.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readStamp, say, SetupError, writeStamp } from './report.mjs';
import { onPath, run } from './run.mjs';

/** The last release of the CLI that `go install` can build; its server is 1.29.1. */
const VERSION = 'v1.5.1';
const GO_PACKAGE = `github.com/temporalio/cli/cmd/temporal@${VERSION}`;
/** Worker versioning as we use it is on by default from here. */
const OLDEST_SERVER = [1, 28];
const STALLED_MS = 15_000;

const name = 'temporal';
const fix = 'Run `npm run setup`';

/** @param {import('./report.mjs').Places} places @returns {import('./report.mjs').Check} */
export function check(places) {
  const address = process.env.TEMPORAL_ADDRESS;
  if (address) return { name, ok: true, detail: `TEMPORAL_ADDRESS names ${address}`, fix };
  const stamp = readStamp(places, name);
  const info = stamp && statSync(stamp.path, { throwIfNoEntry: false });
  if (!info) return { name, ok: false, detail: 'no dev server yet', fix };
  const ok = info.size === stamp.size && info.mtimeMs === stamp.mtimeMs;
  return {
    name,
    ok,
    detail: ok ? `${stamp.path}, server ${stamp.server}` : `${stamp.path} was replaced`,
    fix,
  };
}

/** @param {import('./report.mjs').Places} places */
export async function ensure(places) {
  const tried = ['TEMPORAL_ADDRESS: not set'];
  const kept = join(places.home, 'bin', 'temporal');
  const ways = [
    ['temporal on the PATH', () => onPath('temporal')],
    ['a copy from before', () => (existsSync(kept) ? kept : null)],
    ["the SDK's download", () => download(places, kept)],
    ['a build from source with Go', () => buildFromSource(places, kept)],
  ];
  for (const [way, find] of ways) {
    const found = await find();
    const path = typeof found === 'string' ? found : null;
    if (path === null) {
      tried.push(`${way}: ${found?.reason ?? 'none'}`);
      continue;
    }
    const { server, reason } = await serverVersion(path);
    if (server) {
      const { size, mtimeMs } = statSync(path);
      writeStamp(places, name, { path, server, size, mtimeMs, way });
      return;
    }
    tried.push(`${way}: ${path}: ${reason}`);
    if (path === kept) rmSync(kept, { force: true });
  }
  throw new SetupError({
    what: 'there is no Temporal dev server and none could be fetched',
    tried,
    fix:
      'Put the Temporal CLI (https://docs.temporal.io/cli) on the PATH, or install Go 1.24 or later, ' +
      'or name a running server with TEMPORAL_ADDRESS; then start again.',
  });
}

/** @param {string} path @returns {Promise<{ server?: string, reason?: string }>} */
export async function serverVersion(path) {
  const { ok, output, reason } = await run(path, ['--version'], { timeoutMs: 30_000 });
  if (!ok) return { reason };
  const server = /Server (\d+)\.(\d+)\.(\d+)/.exec(output);
  if (!server) return { reason: `tells no server version ('${output.trim().slice(0, 80)}')` };
  const [major, minor] = [Number(server[1]), Number(server[2])];
  const ok2 = major > OLDEST_SERVER[0] || (major === OLDEST_SERVER[0] && minor >= OLDEST_SERVER[1]);
  const version = server.slice(1, 4).join('.');
  return ok2 ? { server: version } : { reason: `server ${version} is older than ${OLDEST_SERVER.join('.')}` };
}

/** The SDK fetches the binary when it starts a server, so one is started, for a moment. */
async function download({ root, home }, kept) {
  const folder = join(home, 'download');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  say("fetching the Temporal dev server with the SDK's download …");
  const script = fileURLToPath(new URL('sdk-download.mjs', import.meta.url));
  const stalled = stallGuard(folder);
  const result = await run(process.execPath, [script, folder, VERSION], {
    cwd: root,
    signal: stalled.signal,
  });
  stalled.stop();
  const binary = readdirSync(folder)
    .map((file) => join(folder, file))
    .filter((file) => statSync(file).isFile() && statSync(file).mode & 0o100)
    .sort((a, b) => statSync(b).size - statSync(a).size)[0];
  if (binary && result.ok) {
    mkdirSync(join(home, 'bin'), { recursive: true });
    copyFileSync(binary, `${kept}.new`);
    chmodSync(`${kept}.new`, 0o755);
    renameSync(`${kept}.new`, kept);
  }
  rmSync(folder, { recursive: true, force: true });
  if (binary && result.ok) return kept;
  return { reason: stalled.signal.aborted ? `nothing arrived for ${STALLED_MS / 1000} s` : result.reason };
}

/** Aborts when a folder has not grown for a while: a blocked network says nothing at all. */
function stallGuard(folder) {
  const controller = new AbortController();
  let size = 0;
  let grewAt = Date.now();
  const timer = setInterval(() => {
    const now = readdirSync(folder).reduce((sum, file) => {
      return sum + (statSync(join(folder, file), { throwIfNoEntry: false })?.size ?? 0);
    }, 0);
    if (now !== size) grewAt = Date.now();
    size = now;
    if (Date.now() - grewAt > STALLED_MS) controller.abort();
  }, 500);
  return { signal: controller.signal, stop: () => clearInterval(timer) };
}

async function buildFromSource({ home }, kept) {
  const go = await onPath('go');
  if (!go) return { reason: 'there is no go on the PATH' };
  say('building the Temporal dev server from source with Go: two to five minutes, only this once …');
  const bin = join(home, 'bin');
  mkdirSync(bin, { recursive: true });
  const env = { GOBIN: bin, GOOS: '', GOARCH: '' };
  const { ok, reason } = await run(go, ['install', GO_PACKAGE], { cwd: bin, env, timeoutMs: 20 * 60_000 });
  return ok ? kept : { reason: `go install ${GO_PACKAGE}: ${reason}` };
}

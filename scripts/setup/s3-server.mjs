// The S3 server that tests start: one on the PATH, a build from source, or the release's archive.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readStamp, say, SetupError, writeStamp } from './report.mjs';
import { onPath, run } from './run.mjs';

const VERSION = 'v1.8.0';
const GO_PACKAGE = `github.com/versity/versitygw/cmd/versitygw@${VERSION}`;
const RELEASE = `https://github.com/versity/versitygw/releases/download/${VERSION}`;

const name = 's3-server';
const fix = 'Run `npm test`';

/** @param {import('./report.mjs').Places} places @returns {import('./report.mjs').Check} */
export function check(places) {
  const stamp = readStamp(places, name);
  const info = stamp && statSync(stamp.path, { throwIfNoEntry: false });
  if (!info) return { name, ok: false, detail: 'no S3 server for the tests yet', fix };
  const ok = info.size === stamp.size && info.mtimeMs === stamp.mtimeMs;
  return { name, ok, detail: ok ? stamp.path : `${stamp.path} was replaced`, fix };
}

/** @param {import('./report.mjs').Places} places */
export async function ensure(places) {
  const tried = [];
  const kept = join(places.home, 'bin', 'versitygw');
  const ways = [
    ['versitygw on the PATH', () => onPath('versitygw')],
    ['a copy from before', () => (existsSync(kept) ? kept : null)],
    ['a build from source with Go', () => buildFromSource(places, kept)],
    ["the release's archive", () => download(places, kept)],
  ];
  for (const [way, find] of ways) {
    const found = await find();
    const path = typeof found === 'string' ? found : null;
    if (path === null) {
      tried.push(`${way}: ${found?.reason ?? 'none'}`);
      continue;
    }
    const { ok, reason } = await run(path, ['--version'], { timeoutMs: 30_000 });
    if (ok) {
      const { size, mtimeMs } = statSync(path);
      writeStamp(places, name, { path, size, mtimeMs, way });
      return;
    }
    tried.push(`${way}: ${path}: ${reason}`);
    if (path === kept) rmSync(kept, { force: true });
  }
  throw new SetupError({
    what: 'there is no S3 server (versitygw) and none could be fetched: tests that need one will fail',
    tried,
    fix: `Install Go 1.24 or later, or put versitygw ${VERSION} on the PATH; then start again.`,
  });
}

async function buildFromSource({ home }, kept) {
  const go = await onPath('go');
  if (!go) return { reason: 'there is no go on the PATH' };
  say('building the S3 server of the tests from source with Go: one to two minutes, only this once …');
  const bin = join(home, 'bin');
  mkdirSync(bin, { recursive: true });
  const env = { GOBIN: bin, GOOS: '', GOARCH: '' };
  const { ok, reason } = await run(go, ['install', GO_PACKAGE], { cwd: bin, env, timeoutMs: 20 * 60_000 });
  return ok ? kept : { reason: `go install ${GO_PACKAGE}: ${reason}` };
}

/** The archive counts when its hash is the one that the release names. */
async function download({ home }, kept) {
  const system = { linux: 'Linux', darwin: 'Darwin' }[process.platform];
  const machine = { x64: 'x86_64', arm64: 'arm64' }[process.arch];
  if (!system || !machine) return { reason: `there is none for ${process.platform}-${process.arch}` };
  const archive = `versitygw_${VERSION}_${system}_${machine}.tar.gz`;
  const folder = join(home, 'download');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  say('fetching the S3 server of the tests …');
  try {
    const sums = (await fetched(`${RELEASE}/checksums.txt`)).toString();
    const expected = sums
      .split('\n')
      .find((line) => line.endsWith(archive))
      ?.split(/\s/)[0];
    const bytes = await fetched(`${RELEASE}/${archive}`);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (sha256 !== expected) return { reason: `${archive}: its SHA-256 is ${sha256}, not ${expected}` };
    writeFileSync(join(folder, archive), bytes);
    const unpacked = await run('tar', ['-xzf', archive], { cwd: folder });
    const binary = join(folder, basename(archive, '.tar.gz'), 'versitygw');
    if (!unpacked.ok || !existsSync(binary)) return { reason: `${archive}: ${unpacked.reason}` };
    mkdirSync(join(home, 'bin'), { recursive: true });
    renameSync(binary, kept);
    return kept;
  } catch (error) {
    return { reason: error.cause?.message ?? error.message };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fetched(address) {
  // a blocked network says nothing at all: the first answer must come soon, the rest may take its time
  const controller = new AbortController();
  const silent = setTimeout(() => controller.abort(new Error('no answer within 15 s')), 15_000);
  const response = await fetch(address, { signal: controller.signal });
  clearTimeout(silent);
  if (!response.ok) throw new Error(`${address}: HTTP ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

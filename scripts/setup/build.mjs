// TypeScript to dist/, and the workflow bundle. A quick look at names, sizes and times decides whether anything changed.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readStamp, say, SetupError, writeStamp } from './report.mjs';
import { run } from './run.mjs';

const FOLDERS = ['clients', 'workers', 'workflows', 'activities', 'engines', 'schemas', 'deploy', 'bench'];
const FILES = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];

const name = 'build';
const fix = 'Run `npm run build`';

/** @param {import('./report.mjs').Places} places @returns {import('./report.mjs').Check} */
export function check(places) {
  // installed as a package: built before it was published
  if (!existsSync(join(places.root, 'tsconfig.build.json')))
    return { name, ok: true, detail: 'as published', fix };
  if (!existsSync(join(places.root, 'dist', '.tsbuildinfo')))
    return { name, ok: false, detail: 'not built', fix };
  const ok = readStamp(places, name)?.sources === fingerprint(places.root);
  return { name, ok, detail: ok ? 'dist/ is up to date' : 'sources changed since dist/ was built', fix };
}

/** @param {import('./report.mjs').Places} places */
export async function ensure(places) {
  const { root } = places;
  say('building …');
  // taken before: what is edited during the build belongs to the next one
  const sources = fingerprint(root);
  await step(root, 'tsc', [
    'node_modules/typescript/bin/tsc',
    '-p',
    'tsconfig.build.json',
    '--pretty',
    'false',
  ]);
  if (existsSync(join(root, 'dist/workers/bundle.js'))) {
    await step(root, 'the workflow bundle', ['dist/workers/bundle.js']);
  }
  writeStamp(places, name, { sources });
}

/** @param {string} root @param {string} what @param {string[]} args */
async function step(root, what, args) {
  const { ok, output, reason } = await run(process.execPath, args, { cwd: root });
  if (ok) return;
  const lines = output.trim().split('\n').slice(0, 20).join('\n  ');
  throw new SetupError({
    what: `the build failed at ${what}`,
    tried: [`node ${args.join(' ')} (${reason.split(':')[0]})`],
    fix: lines,
  });
}

/** @param {string} root @returns {string} */
export function fingerprint(root) {
  const hash = createHash('sha256').update(process.versions.node);
  const add = (path) => {
    const info = statSync(join(root, path), { throwIfNoEntry: false });
    if (info?.isFile()) hash.update(`${path} ${info.size} ${info.mtimeMs}\n`);
  };
  FILES.forEach(add);
  for (const folder of FOLDERS.filter((path) => existsSync(join(root, path)))) {
    const found = readdirSync(join(root, folder), { recursive: true }).filter((path) => path.endsWith('.ts'));
    for (const path of found.sort()) add(join(folder, path));
  }
  return hash.digest('hex');
}

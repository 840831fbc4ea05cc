// The locked npm packages. npm leaves a list of what it installed; that list is compared with the lock file, so
// a hand-made `npm ci` counts, and a pulled lock file is noticed.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.mjs';
import { say, SetupError } from './report.mjs';

const name = 'dependencies';
const fix = 'Run `npm ci`';

/** @param {import('./report.mjs').Places} places @returns {import('./report.mjs').Check} */
export function check({ root }) {
  const lockFile = join(root, 'package-lock.json');
  // installed as a package: npm has done it
  if (!existsSync(lockFile)) return { name, ok: true, detail: 'installed by npm', fix };
  const installed = packagesOf(join(root, 'node_modules', '.package-lock.json'));
  if (!installed) return { name, ok: false, detail: 'not installed', fix };
  const locked = Object.entries(packagesOf(lockFile) ?? {}).filter(([path]) => path !== '');
  const differing = locked.filter(
    ([path, { version, optional, devOptional }]) =>
      installed[path]?.version !== version && !((optional || devOptional) && !installed[path]),
  );
  if (differing.length > 0) {
    return { name, ok: false, detail: `${differing.length} packages differ from package-lock.json`, fix };
  }
  return { name, ok: true, detail: `${Object.keys(installed).length} packages as locked`, fix };
}

/** @param {import('./report.mjs').Places} places */
export async function ensure({ root }) {
  say('installing the locked npm packages (about a minute) …');
  const npm = process.env.npm_execpath?.endsWith('.js')
    ? [process.execPath, process.env.npm_execpath]
    : ['npm'];
  const [command, ...first] = npm;
  const { ok, output, reason } = await run(command, [...first, 'ci', '--no-audit', '--no-fund'], {
    cwd: root,
  });
  if (ok) return;
  throw new SetupError({
    what: 'the npm packages could not be installed',
    tried: [`npm ci (${reason.split(':')[0]})`],
    fix: `${complaint(output)}\n  Check the network and npm's registry setting, then start again; what is downloaded is kept.`,
  });
}

/** @param {string} file @returns {Record<string, { version?: string, optional?: boolean, devOptional?: boolean }> | null} */
function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return null;
  }
}

/** npm says first what is wrong, then how it is used. @param {string} output */
function complaint(output) {
  const errors = output.split('\n').filter((line) => /^npm error \S/.test(line));
  return (errors.length > 0 ? errors : output.trim().split('\n')).slice(0, 8).join('\n  ');
}

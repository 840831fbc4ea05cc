import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { addPackage } from '../../../engines/dbt/project/deps/add-package.js';
import {
  installPackages,
  type DepsReport,
  type DepsRequest,
} from '../../../engines/dbt/project/deps/deps.js';
import { readPackages } from '../../../engines/dbt/project/package.js';
import { putFiles, writeProject, type Files } from './project.js';

const folder = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-package-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
};
const packageFiles = (name: string, more: Files = {}): Files => ({
  'dbt_project.yml': `name: ${name}\n`,
  [`macros/${name}.sql`]: `{% macro ${name}() %}1{% endmacro %}`,
  ...more,
});
const git = (dir: string, ...args: string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], {
    cwd: dir,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();

/** A repository with one commit for each of `versions`, tagged. */
function repository(versions: Record<string, Files>): string {
  const dir = folder();
  git(dir, 'init', '--quiet', '--initial-branch', 'main');
  for (const [tag, files] of Object.entries(versions)) {
    putFiles(dir, files);
    git(dir, 'add', '.');
    git(dir, 'commit', '--quiet', '--allow-empty', '-m', tag);
    git(dir, 'tag', tag);
  }
  return dir;
}

interface HubEntry {
  /** of the package and, behind `@`, the version it asks for */
  asks?: Record<string, string | string[]>;
  dbt?: string | string[];
}
type HubPackages = Record<string, Record<string, HubEntry>>;

/** Speaks the hub's protocol: an index, a page for each package, and archives as code hosts make them. */
async function hub(packages: HubPackages): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const archive = /^\/tar\/([^/]+\/[^/]+)\/(.+)\.tar\.gz$/.exec(path);
    const page = /^\/api\/v1\/(.+)\.json$/.exec(path)?.[1] ?? '';
    if (archive) response.end(packed(archive[1] ?? '', archive[2] ?? ''));
    else if (page === 'index') response.end(JSON.stringify(Object.keys(packages)));
    else if (!packages[page]) response.writeHead(404).end();
    else
      response.end(
        JSON.stringify({
          name: page.split('/')[1],
          versions: Object.fromEntries(
            Object.entries(packages[page]).map(([version, { asks = {}, dbt }]) => [
              version,
              {
                name: page.split('/')[1],
                packages: Object.entries(asks).map(([name, wanted]) => ({ package: name, version: wanted })),
                downloads: { tarball: `${url()}tar/${page}/${version}.tar.gz` },
                ...(dbt !== undefined && { require_dbt_version: dbt }),
              },
            ]),
          ),
        }),
      );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url: url(), asked };
}

function packed(name: string, version: string): Buffer {
  const dir = folder();
  const short = name.split('/')[1] ?? '';
  const top = `${short}-${version}`;
  mkdirSync(join(dir, top));
  putFiles(
    join(dir, top),
    packageFiles(short, { 'macros/version.sql': version, [`${'deep/'.repeat(25)}x.sql`]: '' }),
  );
  return execFileSync('tar', ['-czf', '-', top], { cwd: dir });
}

const install = (dir: string, more: Partial<DepsRequest> = {}): Promise<DepsReport> =>
  installPackages({ dir, name: 'shop', installPath: 'dbt_packages', env: {}, vars: {}, ...more });
const lock = (dir: string): string => readFileSync(join(dir, 'package-lock.yml'), 'utf8');
const installed = (dir: string, path: string): string =>
  readFileSync(join(dir, 'dbt_packages', path), 'utf8');

beforeAll(() => execFileSync('git', ['--version']));

test('a local package is linked, and the lock is the one that dbt writes', async () => {
  const dir = writeProject({
    'packages.yml': 'packages:\n  - local: local_packages/helper\n',
    'local_packages/helper/dbt_project.yml': 'name: helper\n',
  });
  const report = await install(dir);
  expect(report.installed).toEqual([
    { name: 'helper', kind: 'local', shown: '<local @ local_packages/helper>' },
  ]);
  expect(lstatSync(join(dir, 'dbt_packages/helper')).isSymbolicLink()).toBe(true);
  // the hash is dbt-core's for this file
  expect(lock(dir)).toBe(
    'packages:\n  - local: local_packages/helper\n    name: helper\nsha1_hash: 4bf3376f36dca4d8b8add2532e78d5da2b40bf2d\n',
  );
});

test('a git package comes by tag, branch, commit or folder, and is locked to its commit', async () => {
  const repo = repository({
    '1.0.0': { ...packageFiles('kit'), 'inner/dbt_project.yml': 'name: inner\n' },
    '1.1.0': { 'macros/more.sql': 'later' },
  });
  const first = git(repo, 'rev-parse', '1.0.0');
  const packages = (entry: string): Files => ({
    'packages.yml': `packages:\n  - git: "file://${repo}"\n${entry}`,
  });
  const dir = writeProject(packages('    revision: 1.0.0\n'));
  expect((await install(dir)).installed).toEqual([{ name: 'kit', kind: 'git', shown: `revision ${first}` }]);
  expect(existsSync(join(dir, 'dbt_packages/kit/macros/more.sql'))).toBe(false);
  expect(existsSync(join(dir, 'dbt_packages/kit/.git'))).toBe(false);
  expect(lock(dir)).toContain(`revision: ${first}`);

  putFiles(dir, packages('    revision: main\n'));
  const { warnings } = await install(dir);
  expect(warnings.join()).toMatch(/not pinned/);
  expect(installed(dir, 'kit/macros/more.sql')).toBe('later');

  putFiles(dir, packages(`    revision: ${first}\n`));
  await install(dir);
  expect(existsSync(join(dir, 'dbt_packages/kit/macros/more.sql'))).toBe(false);

  putFiles(dir, packages('    subdirectory: inner\n'));
  expect((await install(dir)).installed[0]?.name).toBe('inner');
});

test('an unchanged list is installed from the lock, whatever the repository has become', async () => {
  const repo = repository({ v1: packageFiles('kit') });
  const dir = writeProject({
    'packages.yml': `packages:\n  - git: file://${repo}\n    warn-unpinned: false\n`,
  });
  await install(dir);
  putFiles(repo, { 'macros/more.sql': 'later' });
  git(repo, 'add', '.');
  git(repo, 'commit', '--quiet', '-m', 'more');
  expect((await install(dir)).locked).toBe(false);
  expect(existsSync(join(dir, 'dbt_packages/kit/macros/more.sql'))).toBe(false);
  expect((await install(dir, { upgrade: true })).locked).toBe(true);
  expect(installed(dir, 'kit/macros/more.sql')).toBe('later');
});

test('the hub gives the newest version that suits everybody, and what that asks for', async () => {
  const { url } = await hub({
    'acme/kit': { '1.0.0': {}, '1.2.0': {}, '1.10.0': {}, '2.0.0-rc1': {}, '2.0.0': { dbt: '>=2.0.0' } },
    'acme/more': { '0.3.0': { asks: { 'acme/kit': ['>=1.0.0', '<1.10.0'] } } },
  });
  const dir = writeProject({
    'packages.yml':
      'packages:\n  - package: acme/kit\n    version: [">=1.0.0"]\n  - package: acme/more\n    version: 0.3.0\n',
  });
  const { installed: found } = await install(dir, { hub: url });
  expect(found).toEqual([
    { name: 'kit', kind: 'hub', shown: 'version 1.2.0', newer: '1.10.0' },
    { name: 'more', kind: 'hub', shown: 'version 0.3.0' },
  ]);
  expect(installed(dir, 'kit/macros/version.sql')).toBe('1.2.0');
  expect(existsSync(join(dir, 'dbt_packages/kit', 'deep/'.repeat(25), 'x.sql'))).toBe(true);
  expect(lock(dir)).toContain('package: acme/kit\n    version: 1.2.0');
});

test('only the lock is written when that is asked for, and prereleases come by name', async () => {
  const { url } = await hub({ 'acme/kit': { '1.0.0': {}, '1.1.0-b1': {} } });
  const dir = writeProject({
    'packages.yml': 'packages:\n  - package: acme/kit\n    version: ">=1.1.0-b0"\n',
  });
  expect((await install(dir, { hub: url, lockOnly: true })).installed).toEqual([]);
  expect(existsSync(join(dir, 'dbt_packages'))).toBe(false);
  expect(lock(dir)).toContain('version: 1.1.0-b1');
});

test('a tarball is a package under its name', async () => {
  const { url } = await hub({});
  const dir = writeProject({
    'packages.yml': `packages:\n  - tarball: "{{ env_var('HOST') }}tar/acme/kit/9.9.9.tar.gz"\n    name: kit\n`,
  });
  await install(dir, { env: { HOST: url } });
  expect(installed(dir, 'kit/macros/version.sql')).toBe('9.9.9');
  // what was written, not what it came to
  expect(lock(dir)).toContain("env_var('HOST')");
});

test.each<[string, string, RegExp]>([
  [
    'no such package',
    '- package: acme/kitt\n    version: 1.0.0',
    /no package 'acme\/kitt'.*Did you mean 'acme\/kit'/,
  ],
  [
    'no such version',
    '- package: acme/kit\n    version: ">=3.0.0"',
    /No version .* within >=3\.0\.0.*Versions are: 1\.0\.0/,
  ],
  ['a bad version', '- package: acme/kit\n    version: newest', /'newest' is no version/],
  ['no version', '- package: acme/kit', /version/],
  ['no kind', '- name: x', /named by local, git, package or tarball/],
  ['no such folder', '- local: nowhere', /no dbt_project\.yml in the package nowhere/],
  ['a private one', '- private: a/b', /needs a provider/],
])('%s is refused, and what was installed stays', async (_, entry, message) => {
  const { url } = await hub({ 'acme/kit': { '1.0.0': {} } });
  const dir = writeProject({
    'packages.yml': `packages:\n  ${entry}\n`,
    'dbt_packages/old/dbt_project.yml': 'name: old\n',
  });
  await expect(install(dir, { hub: url })).rejects.toThrow(message);
  expect(existsSync(join(dir, 'dbt_packages/old/dbt_project.yml'))).toBe(true);
});

test('a revision that is not there, and a repository that is not, are told apart', async () => {
  const repo = repository({ v1: packageFiles('kit') });
  const dir = writeProject({ 'packages.yml': `packages:\n  - git: file://${repo}\n    revision: v2\n` });
  await expect(install(dir)).rejects.toThrow(/has no revision 'v2'/);
  putFiles(dir, { 'packages.yml': 'packages:\n  - git: file:///nowhere/at/all\n    revision: v2\n' });
  await expect(install(dir)).rejects.toThrow(/git cannot fetch file:\/\/\/nowhere/);
});

test('a secret in an address gets into no lock and no message', async () => {
  const dir = writeProject({
    'packages.yml': `packages:\n  - git: "https://{{ env_var('DBT_ENV_SECRET_TOKEN') }}@127.0.0.1:1/x.git"\n    revision: v1\n`,
  });
  const error = await install(dir, { env: { DBT_ENV_SECRET_TOKEN: 'hush-hush' } }).catch(
    (cause: unknown) => cause,
  );
  expect(String(error)).toMatch(/git cannot fetch/);
  expect(String(error)).not.toContain('hush');
});

test('add-package takes the place of an older entry and leaves comments alone', () => {
  const dir = writeProject({
    'packages.yml': 'packages:\n  # ours\n  - local: kit\n  - package: acme/more\n    version: 0.1.0\n',
  });
  addPackage(dir, 'acme/more@>=0.2.0,<1.0.0');
  expect(readFileSync(join(dir, 'packages.yml'), 'utf8')).toBe(
    'packages:\n  # ours\n  - local: kit\n  - package: acme/more\n    version:\n      - ">=0.2.0"\n      - <1.0.0\n',
  );
});

test('a local package that was installed as a copy is read once', () => {
  const dir = writeProject({
    'packages.yml': 'packages: [{ local: parts/kit }]\n',
    'parts/kit/dbt_project.yml': 'name: kit\n',
  });
  cpSync(join(dir, 'parts'), join(dir, 'dbt_packages'), { recursive: true });
  expect(readPackages(dir).map(({ name, prefix }) => [name, prefix])).toEqual([
    ['shop', ''],
    ['kit', 'dbt_packages/kit/'],
  ]);
});

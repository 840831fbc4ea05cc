// Runs one dbt command line as the conformance pack wants it: `millrace dbt`, and its results as a list.
// usage: dbt-pack.mjs --project DIR --db FILE --results FILE -- dbt [global flags] COMMAND [arguments]
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const argv = process.argv.slice(2);
const dashes = argv.indexOf('--');
const own = argv.slice(0, dashes);
const option = (name) => own[own.indexOf(name) + 1];
const project = option('--project');
let command = argv.slice(dashes + 1);
// a template may hand the whole line over as one word
if (command.length === 1) command = command[0].split(' ');
if (command[0] === 'dbt') command.shift();

const target = join(project, 'target');
const artifacts = ['run_results.json', 'sources.json'].map((name) => join(target, name));
for (const file of artifacts) rmSync(file, { force: true });

const millrace = fileURLToPath(new URL('../../bin/millrace.mjs', import.meta.url));
const run = spawnSync(
  process.execPath,
  [millrace, 'dbt', ...command, '--project-dir', project, '--database', option('--db'), '--local'],
  { cwd: project, stdio: 'inherit' },
);
const results = artifacts
  .filter(existsSync)
  .flatMap((file) => JSON.parse(readFileSync(file, 'utf8')).results)
  .map(({ unique_id, status, failures, compiled_code }) => ({ unique_id, status, failures, compiled_code }));
writeFileSync(option('--results'), JSON.stringify({ results }));
process.exitCode = run.status ?? 1;

import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { millrace, startServer, temporaryFolder, writeProject } from './support.js';

const PARTS = `
  pipelines: { daily: { cadence: 'day' } },
  schedules: { nightly: { pipeline: 'daily', cron: '0 2 * * *' } }`;

function projectFolder(name: string, parts = PARTS): string {
  const folder = temporaryFolder();
  writeProject(folder, name, parts);
  return folder;
}

describe('without a server', () => {
  test('help lists the commands and is there at once', async () => {
    const started = performance.now();
    const { code, stdout } = await millrace(['--help']);
    expect(code).toBe(0);
    for (const command of ['run', 'schedule', 'backfill', 'predictors', 'doctor', 'init'])
      expect(stdout).toContain(`  ${command}`);
    // room for the other test files that run meanwhile
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test.each([
    [['frobnicate'], /unknown command 'frobnicate'/],
    [['run'], /missing required argument 'pipeline'/],
    [['approve', 'x'], /required option '--who/],
  ])('%j is a usage error and points to --help', async (args, message) => {
    const { code, stderr } = await millrace(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).toContain('--help');
  });

  test('where no server runs the command says how to start one', async () => {
    const home = { MILLRACE_HOME: temporaryFolder() };
    const { code, stderr } = await millrace(['schedule', 'diff', '-C', projectFolder('lonely')], home);
    expect(code).toBe(3);
    expect(stderr).toContain('millrace up');
    const json = await millrace(['schedule', 'diff', '--json'], home);
    expect(JSON.parse(json.stderr)).toMatchObject({ error: { type: 'Unavailable' } });
    expect(json.stdout).toBe('');
  });

  test('a dry backfill lists the intervals and starts nothing', async () => {
    const folder = projectFolder('dry');
    const args = [
      'backfill',
      'start',
      'daily',
      '2026-01-05..2026-01-08',
      '--dry-run',
      '--order',
      'newest',
      '-C',
      folder,
    ];
    const people = await millrace(args);
    expect(people.stdout).toContain('3 of 3 intervals to run, newest first, 1 at once');
    const { intervals } = JSON.parse((await millrace([...args, '--json'])).stdout) as {
      intervals: unknown[];
    };
    expect(intervals[0]).toEqual({
      interval: { start: '2026-01-07T00:00:00Z', end: '2026-01-08T00:00:00Z' },
      ...{ status: null, due: true },
    });
  });

  test('a cron expression that cannot be read is found when the project is loaded, with its path', async () => {
    const folder = projectFolder('wrong', PARTS.replace('0 2 * * *', '0 25 * * *'));
    const { code, stderr } = await millrace([
      'backfill',
      'start',
      'daily',
      '2026-01-05',
      '--dry-run',
      '-C',
      folder,
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain("ProjectInvalid: '25' is no hour; it must be 0 to 23");
    expect(stderr).toContain(`${join(folder, 'millrace.ts')}, at schedules.nightly.cron`);
  });
});

describe('init', () => {
  test('the new project passes the doctor, and its editor settings find the types', async () => {
    const folder = join(temporaryFolder(), 'Corner-Café 24');
    const made = JSON.parse((await millrace(['init', folder, '--json'])).stdout) as {
      name: string;
      files: string[];
    };
    expect(made.name).toBe('corner_caf_24');
    expect(made.files).toContain('millrace.ts');
    const { stdout } = await millrace(['doctor', '--json', '-C', folder]);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; ok: boolean }[] };
    expect(checks.find(({ name }) => name === 'project')).toMatchObject({ ok: true });
  });

  test('a folder with files is left as it is', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    const { code, stderr } = await millrace(['init', folder]);
    expect(code).toBe(2);
    expect(stderr).toContain('FolderNotEmpty');
    expect(readdirSync(folder)).toEqual(['notes.txt']);
  });

  test('a name that is none is refused before anything is written', async () => {
    const folder = join(temporaryFolder(), 'x');
    const { code, stderr } = await millrace(['init', folder, '--name', "a'; drop"]);
    expect(code).toBe(2);
    expect(stderr).toContain('cannot be the name of a project');
  });
});

describe('with a server', () => {
  let server: Awaited<ReturnType<typeof startServer>>;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());
  const cli = (args: string[]) => millrace(args, { TEMPORAL_ADDRESS: server.address });

  test('schedules: diff, refusal without a terminal, apply, list, pause, delete', async () => {
    const folder = projectFolder('cli');
    const at = ['-C', folder];
    const diff = await cli(['schedule', 'diff', ...at]);
    expect(diff).toMatchObject({ code: 0, stderr: '' });
    expect(diff.stdout).toContain('+ cli.nightly create\n');
    expect(diff.stdout).toContain('1 to create, 0 to update, 0 to delete');

    const refused = await cli(['schedule', 'apply', ...at]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('millrace schedule apply --yes');

    const applied = await cli(['schedule', 'apply', '--yes', ...at]);
    expect(applied).toMatchObject({ code: 0, stdout: expect.stringMatching(/applied\n$/) as string });
    expect((await cli(['schedule', 'apply', '--json', ...at])).stdout).toContain('"applied": false');

    expect((await cli(['schedule', 'pause', 'nightly', '--why', 'holiday', ...at])).code).toBe(0);
    expect((await cli(['schedule', 'list', ...at])).stdout).toMatch(/nightly +daily +paused \(holiday\)/);
    expect((await cli(['schedule', 'resume', 'nightly', ...at])).code).toBe(0);
    expect((await cli(['schedule', 'delete', 'nightly', ...at])).code).toBe(0);
    expect((await cli(['schedule', 'trigger', 'nightly', ...at])).stderr).toContain('ObjectMissing');
  });

  test('a backfill is started once at a time, and is not found under another name', async () => {
    const args = [
      'backfill',
      'start',
      'daily',
      '2026-01-05..2026-01-08',
      '--detach',
      '-C',
      projectFolder('fill'),
    ];
    const first = await cli([...args, '--json']);
    const { workflowId } = JSON.parse(first.stdout) as { workflowId: string };
    expect(workflowId).toBe('fill.daily.backfill.2026-01-05T00:00Z.2026-01-08T00:00Z');
    const second = await cli(args);
    expect(second.code).toBe(2);
    expect(second.stderr).toContain(`a backfill of this range is under way: ${workflowId}`);
    for (const control of ['pause', 'resume', 'cancel'])
      expect((await cli(['backfill', control, workflowId])).code).toBe(0);
    expect((await cli(['backfill', 'pause', 'fill.nothing'])).stderr).toContain(
      'no backfill called fill.nothing',
    );
    await server.client.workflow.getHandle(workflowId).terminate();
  });

  test('the doctor finds the server, and a named one that does not answer is a fault', async () => {
    const server = async (result: Promise<{ stdout: string }>) =>
      (JSON.parse((await result).stdout) as { checks: { name: string }[] }).checks.find(
        ({ name }) => name === 'Temporal server',
      );
    expect(await server(cli(['doctor', '--json']))).toMatchObject({ ok: true });
    const silent = millrace(['doctor', '--json'], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
    expect(await server(silent)).toMatchObject({ ok: false });
    expect((await silent).code).toBe(1);
  });
});

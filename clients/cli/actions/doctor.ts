import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runChecks, type Check } from '../../../deploy/local/checks.js';
import { homeDir } from '../../../deploy/local/home.js';
import { loadProject } from '../../../engines/project/load.js';
import { MillraceError } from '../../../schemas/errors.js';
import { connect } from '../../connect.js';
import { answer, EXIT, style, table, type GlobalOptions } from '../output.js';

/** `millrace doctor`: this machine, the project at hand and the server at hand. */
export async function doctor(options: GlobalOptions): Promise<number> {
  const checks = [
    ...(await runChecks(homeDir())),
    ...(await projectCheck(options.project)),
    await serverCheck(),
  ];
  const failed = checks.filter(({ ok }) => !ok);
  answer(options, { ok: failed.length === 0, checks }, () => [
    ...table(
      ['', 'check', 'found'],
      checks.map(({ ok, name, detail }) => [ok ? style.green('ok') : style.red('no'), name, detail]),
    ),
    ...failed.map(({ name, fix }) => `${style.red('fix')} ${name}: ${fix}`),
    failed.length === 0
      ? style.green('everything is in order')
      : style.red(`${failed.length} of ${checks.length} checks failed`),
  ]);
  return failed.length === 0 ? EXIT.ok : EXIT.failed;
}

/** Only where there is a project: the machine can be checked from anywhere. */
async function projectCheck(folder: string): Promise<Check[]> {
  const present = ['ts', 'mts', 'js', 'mjs'].some((extension) =>
    existsSync(join(folder, `millrace.${extension}`)),
  );
  if (!present) return [];
  const name = 'project';
  try {
    const { spec, file } = await loadProject(folder);
    const parts = Object.entries({
      sources: spec.sources,
      predictors: spec.predictors,
      pipelines: spec.pipelines,
    });
    const counts = parts.map(([part, all]) => `${Object.keys(all).length} ${part}`).join(', ');
    return [{ name, ok: true, detail: `${spec.name} in ${file}: ${counts}`, fix: '' }];
  } catch (error) {
    return [{ name, ok: false, ...explain(error) }];
  }
}

/** No server is no fault, because a run starts one for itself; one that is named has to answer. */
async function serverCheck(): Promise<Check> {
  const name = 'Temporal server';
  try {
    const connected = await connect();
    await connected.close();
    const { address, namespace } = connected;
    return { name, ok: true, detail: `${address} answers, namespace ${namespace}`, fix: '' };
  } catch (error) {
    const { detail, fix } = explain(error);
    const named = Boolean(process.env['TEMPORAL_ADDRESS'] ?? process.env['TEMPORAL_PROFILE']);
    return {
      name,
      ok: !named,
      detail: named ? detail : 'none runs; `millrace run` starts one, `millrace up` keeps one',
      fix,
    };
  }
}

function explain(error: unknown): { detail: string; fix: string } {
  if (error instanceof MillraceError) return { detail: error.what, fix: error.fix ?? error.message };
  return { detail: error instanceof Error ? error.message : String(error), fix: 'Correct it and look again' };
}

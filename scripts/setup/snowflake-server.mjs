// The stand-in for Snowflake that tests start: fakesnow, in a virtual environment of Python of its own.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readStamp, say, SetupError, writeStamp } from './report.mjs';
import { onPath, run } from './run.mjs';

const PACKAGES = ['fakesnow[server]==0.11', 'snowflake-connector-python<4', 'duckdb<2'];
const PROOF = 'import fakesnow.server, uvicorn, jwt';

const name = 'snowflake-server';
const fix = 'Run `npm test`';

/** @param {import('./report.mjs').Places} places @returns {import('./report.mjs').Check} */
export function check(places) {
  const stamp = readStamp(places, name);
  const ok = stamp !== null && existsSync(stamp.python);
  return { name, ok, detail: ok ? stamp.python : "no stand-in for Snowflake's server yet", fix };
}

/** @param {import('./report.mjs').Places} places */
export async function ensure(places) {
  const folder = join(places.home, 'fakesnow');
  const python = join(folder, 'bin', 'python');
  const tried = [];
  if (!(await run(python, ['-c', PROOF], { timeoutMs: 60_000 })).ok) {
    const found = (await onPath('python3')) ?? (await onPath('python'));
    if (!found) tried.push('python3 on the PATH: none');
    else {
      rmSync(folder, { recursive: true, force: true });
      say(
        "fetching the stand-in for Snowflake's server (fakesnow, with pip): about a minute, only this once …",
      );
      for (const [command, ...args] of [
        [found, '-m', 'venv', folder],
        [python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES],
        [python, '-c', PROOF],
      ]) {
        const { ok, reason } = await run(command, args, { timeoutMs: 10 * 60_000 });
        if (ok) continue;
        tried.push(`${args.slice(0, 3).join(' ')}: ${reason}`);
        break;
      }
    }
  }
  if (tried.length > 0)
    throw new SetupError({
      what: 'there is no stand-in for Snowflake (fakesnow): the tests that need it are skipped',
      tried,
      fix: 'Install Python 3.9 or later with venv and pip, then start again.',
    });
  writeStamp(places, name, { python });
}

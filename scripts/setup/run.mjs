// Runs a program to its end and keeps what it said.
import { spawn } from 'node:child_process';

/**
 * @param {string} command @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs?: number, signal?: AbortSignal }} [options]
 * @returns {Promise<{ ok: boolean, output: string, reason: string }>} never rejects; `reason` is one line about a failure
 */
export function run(command, args, { cwd, env, timeoutMs = 600_000, signal } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      signal,
    });
    let output = '';
    const collect = (chunk) => (output += chunk);
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => resolve({ ok: false, output, reason: error.code ?? error.message }));
    child.on('close', (code, killed) => {
      const last = output.trim().split('\n').at(-1) ?? '';
      const ended = killed ? `stopped after ${timeoutMs / 1000} s` : `exit code ${code}`;
      resolve({ ok: code === 0, output, reason: last ? `${ended}: ${last.slice(0, 300)}` : ended });
    });
  });
}

/** The first program of that name on the PATH, as an absolute path. @param {string} name */
export async function onPath(name) {
  const { accessSync, constants } = await import('node:fs');
  const { delimiter, join } = await import('node:path');
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (!folder) continue;
    try {
      const file = join(folder, name);
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // not in this one
    }
  }
  return null;
}

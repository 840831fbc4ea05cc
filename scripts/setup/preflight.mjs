// What must hold before anything is fetched. No newer syntax here: an old Node has to be able to read it.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const NEEDED = [20, 19];

export function checkNode(version = process.versions.node) {
  const [major, minor] = version.split('.').map(Number);
  const ok = major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
  return {
    name: 'Node',
    ok,
    detail: ok
      ? version
      : 'Node ' + version + ' is too old: Millrace needs ' + NEEDED.join('.') + ' or later',
    fix: 'Install Node 20.19+, 22 or 24',
  };
}

/** Really writes: permission bits say little about read-only mounts and quotas. */
export function checkWritable(places) {
  const probe = join(places.home, '.probe-' + process.pid);
  const fix = 'Make the folder writable, or name another one with MILLRACE_HOME';
  try {
    mkdirSync(places.home, { recursive: true });
    writeFileSync(probe, '');
    rmSync(probe);
    return { name: 'folder', ok: true, detail: places.home, fix };
  } catch (error) {
    return {
      name: 'folder',
      ok: false,
      detail: 'cannot write to ' + places.home + ' (' + error.code + ')',
      fix,
    };
  }
}

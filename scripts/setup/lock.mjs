// One set-up at a time in one folder: `npm test` beside `npm run demo` waits and finds everything done.
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { say } from './report.mjs';

/** @template T @param {import('./report.mjs').Places} places @param {() => Promise<T>} work @returns {Promise<T>} */
export async function withLock({ home }, work) {
  const file = join(home, 'setup.lock');
  let told = false;
  while (!take(file)) {
    const owner = readOwner(file);
    if (isStale(file, owner)) {
      breakLock(file);
      continue;
    }
    if (!told)
      say(`another set-up runs here (process ${owner}); waiting for it. If there is none, delete ${file}`);
    told = true;
    await sleep(200);
  }
  const release = () => rmSync(file, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

/** @param {string} file */
function take(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return false;
  }
}

/** @param {string} file @returns {number} 0 while the owner has not written itself down yet */
function readOwner(file) {
  try {
    return Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    return 0;
  }
}

/** @param {string} file @param {number} owner */
function isStale(file, owner) {
  if (owner === 0) {
    try {
      return Date.now() - statSync(file).mtimeMs > 10_000;
    } catch {
      return false;
    }
  }
  try {
    process.kill(owner, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

/** By a rename, so that of two that see the same dead owner only one removes it. @param {string} file */
function breakLock(file) {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
    rmSync(aside, { force: true });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

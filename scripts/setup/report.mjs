// What set-up says, and the folders it works in.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const home = resolve(process.env.MILLRACE_HOME || join(root, '.millrace'));

/**
 * `root`: the checkout; `home`: where everything fetched or built is kept.
 * @typedef {{ root: string, home: string }} Places
 * @typedef {{ name: string, ok: boolean, detail: string, fix?: string }} Check
 */
/** @type {Places} */
export const places = { root, home };

/** A step that cannot go on: what is missing, which ways were tried, and what the reader can do. */
export class SetupError extends Error {
  /** @param {{ what: string, tried?: string[], fix: string }} body */
  constructor({ what, tried = [], fix }) {
    super(what);
    this.tried = tried;
    this.fix = fix;
  }
}

/** One line of progress, on stderr, so that a command's own output stays clean. @param {string} line */
export function say(line) {
  process.stderr.write(`set-up: ${line}\n`);
}

/** Ends the process with one complete message. @param {unknown} error a SetupError, a failed check, or a surprise */
export function fail(error) {
  tell(error);
  process.exit(1);
}

/** Says what went wrong. @param {unknown} error as of {@link fail} */
export function tell(error) {
  if (error instanceof SetupError) {
    const tried = error.tried.map((line) => `\n  tried ${line}`).join('');
    say(`${error.message}${tried}\n  ${error.fix}`);
  } else if (error instanceof Error) {
    say(error.stack ?? error.message);
  } else {
    const { detail, fix } = /** @type {Check} */ (error);
    say(`${detail}. ${fix}`);
  }
}

/** What a step remembers between runs; null when there is nothing or it cannot be read. @param {Places} where @param {string} step */
export function readStamp({ home: folder }, step) {
  try {
    return JSON.parse(readFileSync(join(folder, 'setup', `${step}.json`), 'utf8'));
  } catch {
    return null;
  }
}

/** @param {Places} where @param {string} step @param {object} stamp */
export function writeStamp({ home: folder }, step, stamp) {
  const file = join(folder, 'setup', `${step}.json`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(stamp, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

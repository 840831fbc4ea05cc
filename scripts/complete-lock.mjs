// npm writes only those platform packages into the lock file that the registry in use can show, and `npm ci` then
// refuses a lock file without the others. This adds them from what their parents declare. Run after `npm install <x>`.
import { readFileSync, writeFileSync } from 'node:fs';

const SYSTEMS = ['darwin', 'win32', 'linux', 'freebsd', 'android', 'openharmony'];
const PROCESSORS = ['x64', 'arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x'];

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const { packages } = lock;

// What these say they need is their build's need; they are tested here on every Node that the project supports.
const TOO_STRICT = ['node_modules/@polyglot-sql/sdk'];
for (const path of TOO_STRICT) if (packages[path]) packages[path].engines = { node: '>=20' };

const added = {};
for (const [path, { optionalDependencies = {}, dev }] of Object.entries(packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const place = `node_modules/${name}`;
    const words = name.split(/[-/]/);
    const os = SYSTEMS.filter((system) => words.includes(system));
    const cpu = PROCESSORS.filter((processor) => words.includes(processor));
    const known = packages[place] ?? packages[`${path}/${place}`];
    // only exact versions, and only where the name says what machine it is for
    if (known || !/^\d+\.\d+\.\d+/.test(version) || os.length !== 1 || cpu.length !== 1) continue;
    const libc = os[0] === 'linux' ? { libc: [/musl/.test(name) ? 'musl' : 'glibc'] } : {};
    added[place] = { version, cpu, ...(dev ? { dev } : {}), ...libc, optional: true, os };
  }
}

const sorted = Object.entries({ ...packages, ...added }).sort(([a], [b]) => a.localeCompare(b, 'en'));
writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`);
process.stdout.write(`${Object.keys(added).length} platform packages added to package-lock.json\n`);

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import type { Node } from '../../engines/dbt/manifest.js';
import type { Environment } from '../../engines/dbt/context/environment.js';
import type { NodeRecord } from '../../schemas/transform.js';

/** Folders made already: one system call for each, not for each file. */
export class TargetFolder {
  private readonly made = new Set<string>();

  constructor(readonly folder: string) {}

  /** @param path `/`-separated, below the folder; names in it are whatever a project says */
  write(path: string, text: string): void {
    const file = join(this.folder, ...path.split('/').map(fileName));
    const folder = dirname(file);
    if (!this.made.has(folder)) mkdirSync(folder, { recursive: true });
    this.made.add(folder);
    if (!holds(file, text)) writeFileSync(file, text);
  }

  json(name: string, document: unknown): void {
    this.write(name, JSON.stringify(document));
  }
}

/** The most bytes that file systems take for a name, and room for what is put after it. */
const LONGEST = 240;

/** A name of a project as one part of a path: it leads nowhere else, and no file system finds it too long. */
function fileName(part: string): string {
  const name = part === '..' ? '__' : part.replaceAll('\0', '_');
  if (Buffer.byteLength(name) <= LONGEST) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 16);
  const start = Buffer.from(name)
    .subarray(0, LONGEST - 40)
    .toString()
    .replaceAll('\uFFFD', '');
  return `${start}_${hash}${/\.[a-z]{1,4}$/.exec(name)?.[0] ?? ''}`;
}

/** Reading is much cheaper than writing, and most files are the same as last time. */
function holds(file: string, text: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  return found?.size === Buffer.byteLength(text) && readFileSync(file, 'utf8') === text;
}

/** Where dbt puts a node's SQL, below `compiled/`: a generic test stands below the file that declares it. */
export function compiledPath(environment: Environment, node: Node): string {
  const owner = environment.packages.find(({ name }) => name === node.package);
  const file = owner && node.file.startsWith(owner.prefix) ? node.file.slice(owner.prefix.length) : node.file;
  const generic = Boolean(node.test?.generic);
  if (node.kind === 'snapshot') return `${node.package}/${file}/${node.name}.sql`;
  if (node.kind === 'unit_test') return `${node.package}/${file}/${posix.dirname(file)}/${node.name}.sql`;
  return `${node.package}/${generic ? `${file}/${node.path.split('/').at(-1) ?? node.name}` : file}`;
}

/** dbt writes none of these; a YAML snapshot's file would stand where its tests need a folder. */
const WITHOUT_FILE: ReadonlySet<Node['kind']> = new Set(['seed', 'snapshot', 'operation']);

/** Writes `compiled/…` for what was compiled, and `run/…` for the statements that were run. */
export function writeCompiled(
  target: TargetFolder,
  environment: Environment,
  { result, compiled, built }: NodeRecord,
): void {
  const node = environment.manifest.nodes.get(result.id);
  if (!node) return;
  const path = compiledPath(environment, node);
  if (compiled !== null && !WITHOUT_FILE.has(node.kind)) target.write(`compiled/${path}`, compiled);
  if (built !== undefined && node.kind !== 'operation') target.write(`run/${path}`, built);
}

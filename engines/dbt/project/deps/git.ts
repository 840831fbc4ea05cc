import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MillraceError } from '../../../../schemas/errors.js';

const run = promisify(execFile);

export interface Checkout {
  /** the package: the repository, or a folder of it */
  dir: string;
  /** commit */
  commit: string;
}

/** Repositories checked out below one folder, each revision of each once. */
export class GitCheckouts {
  private readonly known = new Map<string, Promise<Checkout>>();

  constructor(
    private readonly folder: string,
    /** keeps secrets of an address out of errors */
    private readonly redact: (text: string) => string,
  ) {}

  /**
   * @param revision tag, branch or commit; the default branch without one
   * @param folder of the package within the repository
   * @throws MillraceError DbtProjectInvalid, Unavailable
   */
  checkout(url: string, revision: string | null, folder: string | null): Promise<Checkout> {
    const key = JSON.stringify([url, revision]);
    let found = this.known.get(key);
    if (!found) this.known.set(key, (found = this.clone(url, revision, key)));
    return found.then(({ dir, commit }) => ({ dir: within(dir, folder, this.redact(url)), commit }));
  }

  private async clone(url: string, revision: string | null, key: string): Promise<Checkout> {
    const dir = join(this.folder, createHash('sha256').update(key).digest('hex').slice(0, 16));
    await this.git(['init', '--quiet', dir], this.folder, url);
    await this.git(['remote', 'add', 'origin', url], dir, url);
    const fetched = await this.fetch(dir, url, revision);
    await this.git(['reset', '--quiet', '--hard', fetched], dir, url);
    const commit = (await this.git(['rev-parse', 'HEAD'], dir, url)).trim();
    return { dir, commit };
  }

  /** A tag is meant before a branch of the same name, as dbt has it. @returns what to check out */
  private async fetch(dir: string, url: string, revision: string | null): Promise<string> {
    const names =
      revision === null || revision === 'HEAD'
        ? ['HEAD']
        : [`refs/tags/${revision}`, `refs/heads/${revision}`, revision];
    let refusal: unknown;
    for (const name of names)
      try {
        await this.git(['fetch', '--quiet', '--depth', '1', 'origin', name], dir, url);
        return 'FETCH_HEAD';
      } catch (cause) {
        refusal = cause;
        if (!isMissing(cause)) throw cause;
      }
    // a server may refuse to give one commit alone
    if (revision !== null && /^[0-9a-f]{7,40}$/.test(revision))
      try {
        await this.git(
          ['fetch', '--quiet', '--tags', 'origin', '+refs/heads/*:refs/remotes/origin/*'],
          dir,
          url,
        );
        return (await this.git(['rev-parse', '--verify', `${revision}^{commit}`], dir, url)).trim();
      } catch (cause) {
        refusal = cause;
      }
    throw new MillraceError('DbtProjectInvalid', {
      what: `${this.redact(url)} has no revision '${revision ?? 'HEAD'}'`,
      fix: 'Name a tag, a branch or a whole commit',
      cause: refusal,
    });
  }

  private async git(args: string[], cwd: string, url: string): Promise<string> {
    try {
      const { stdout } = await run('git', args, {
        cwd,
        // no question may be asked: nobody is there to answer
        env: { ...process.env, LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0' },
        maxBuffer: 16 << 20,
      });
      return stdout;
    } catch (cause) {
      throw this.explained(cause as NodeJS.ErrnoException & { stderr?: string }, url);
    }
  }

  private explained(cause: NodeJS.ErrnoException & { stderr?: string }, url: string): MillraceError {
    if (cause.code === 'ENOENT')
      return new MillraceError('DbtProjectInvalid', {
        what: 'git is needed for a package, and is not installed',
        fix: 'Install git, or take the package from the hub',
      });
    const said = (cause.stderr ?? cause.message).trim().split('\n').slice(-3).join(' ');
    return new MillraceError('Unavailable', {
      what: `git cannot fetch ${this.redact(url)}: ${this.redact(said)}`,
      fix: 'Check the address, the network, and whether you may read it',
    });
  }
}

const isMissing = (cause: unknown): boolean =>
  cause instanceof MillraceError &&
  /couldn't find remote ref|not our ref|no such remote ref/i.test(cause.what);

function within(dir: string, folder: string | null, url: string): string {
  const found = folder === null ? dir : join(dir, folder);
  if (existsSync(join(found, 'dbt_project.yml'))) return found;
  throw new MillraceError('DbtProjectInvalid', {
    what: `${url} holds no dbt_project.yml${folder === null ? '' : ` in its folder '${folder}'`}`,
    fix: folder === null ? "Name the folder of the package by 'subdirectory:'" : 'Correct its subdirectory',
  });
}

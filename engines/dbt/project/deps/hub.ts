import { z } from 'zod';
import { MillraceError } from '../../../../schemas/errors.js';
import { didYouMean } from '../../../nearest.js';
import { DBT_VERSION } from '../dbt-version.js';
import { download } from './download.js';
import { isPrerelease, isWithin, readBound, sortVersions, type Bound } from './versions.js';

export const HUB = 'https://hub.getdbt.com/';

/** What the hub says of one version of a package. */
const HubVersion = z.looseObject({
  name: z.string(),
  packages: z
    .array(z.record(z.string(), z.unknown()))
    .nullish()
    .transform((packages) => packages ?? []),
  downloads: z.looseObject({ tarball: z.string() }),
  require_dbt_version: z.union([z.string(), z.array(z.string())]).nullish(),
});
export type HubVersion = z.infer<typeof HubVersion>;

const HubPackage = z.looseObject({ name: z.string(), versions: z.record(z.string(), HubVersion) });

/** The hub's index of packages, as its API gives it: `api/v1/<owner>/<name>.json`. */
export class Hub {
  private readonly known = new Map<string, Promise<Record<string, HubVersion>>>();

  /** @param base address of the hub; DBT_PACKAGE_HUB_URL names another one */
  constructor(
    private readonly base: string,
    /** versions that ask for another dbt are passed over */
    private readonly checkVersion: boolean,
  ) {}

  /** @throws MillraceError DbtProjectInvalid when there is no such package or version */
  async version(name: string, version: string): Promise<HubVersion> {
    const found = (await this.package(name))[version];
    if (found) return found;
    throw new MillraceError('DbtProjectInvalid', {
      what: `The hub has no version ${version} of package '${name}'`,
      fix: 'Run deps --upgrade to resolve the versions anew',
    });
  }

  /**
   * The newest version within every bound.
   *
   * @returns it, and the newest one that could be had at all
   * @throws MillraceError DbtProjectInvalid when none is
   */
  async resolve(
    name: string,
    wanted: readonly string[],
    prereleases: boolean,
  ): Promise<{ version: string; latest: string }> {
    const bounds = wanted.map((text) => boundOf(name, text));
    const all = await this.package(name);
    const compatible = Object.entries(all).filter(([, each]) => !this.checkVersion || runsHere(each));
    const early = prereleases || bounds.some(({ prerelease }) => prerelease !== null);
    const installable = sortVersions(compatible.map(([version]) => version)).filter(
      (version) => early || !isPrerelease(version),
    );
    const version = installable.filter((each) => isWithin(each, bounds)).at(-1);
    const latest = installable.at(-1);
    if (version !== undefined && latest !== undefined) return { version, latest };
    const range = bounds.map(({ text }) => text).join(', ');
    const others = sortVersions(Object.keys(all)).filter((each) => isWithin(each, bounds));
    throw new MillraceError('DbtProjectInvalid', {
      what: `No version of package '${name}' lies within ${range}`,
      fix:
        others.length > 0
          ? `${others.at(-1)} does, but it asks for another dbt than ${DBT_VERSION} or is a prerelease`
          : `Versions are: ${installable.slice(-10).join(', ') || 'none'}. Packages that ask for different ranges must agree`,
    });
  }

  private package(name: string): Promise<Record<string, HubVersion>> {
    let found = this.known.get(name);
    if (!found) this.known.set(name, (found = this.fetch(name)));
    return found;
  }

  private async fetch(name: string): Promise<Record<string, HubVersion>> {
    const answer = await download(this.address(name), `package '${name}'`);
    if (answer === null) {
      const close = didYouMean(name, await this.index());
      throw new MillraceError('DbtProjectInvalid', {
        what: `The hub has no package '${name}'`,
        fix: close || 'Look its name up on the hub, or name it by git: and its address',
      });
    }
    const parsed = HubPackage.safeParse(parseJson(answer));
    if (parsed.success) return parsed.data.versions;
    throw new MillraceError('Unavailable', {
      what: `The hub's answer for package '${name}' is not understood: ${parsed.error.issues[0]?.path.join('.')} ${parsed.error.issues[0]?.message}`,
      fix: 'Try again later',
    });
  }

  /** names of all packages; none where the hub does not tell */
  private async index(): Promise<string[]> {
    const answer = await download(this.address('index'), 'the index of the hub').catch(() => null);
    const names = answer === null ? [] : parseJson(answer);
    return Array.isArray(names) ? names.map(String) : [];
  }

  private address(name: string): string {
    return `${this.base.replace(/\/*$/, '/')}api/v1/${name}.json`;
  }
}

function boundOf(name: string, text: string): Bound {
  const bound = readBound(text);
  if (bound) return bound;
  throw new MillraceError('DbtProjectInvalid', {
    what: `'${text}' is no version of package '${name}'`,
    fix: "Write e.g. version: 1.1.1, or ['>=1.0.0', '<2.0.0']",
  });
}

function runsHere({ require_dbt_version: wanted }: HubVersion): boolean {
  if (wanted === null || wanted === undefined) return true;
  const texts = (Array.isArray(wanted) ? wanted : [wanted]).flatMap((each) => each.split(','));
  return isWithin(
    DBT_VERSION,
    texts.flatMap((text) => readBound(text) ?? []),
  );
}

function parseJson(answer: Buffer): unknown {
  try {
    return JSON.parse(answer.toString('utf8'));
  } catch {
    return null;
  }
}

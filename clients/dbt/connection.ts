import { basename, resolve } from 'node:path';
import { readProfile, type Profile } from '../../engines/dbt/project/profiles.js';
import type { TargetSettings } from '../../engines/dbt/context/environment.js';
import type { Warehouse } from '../../engines/warehouse/port.js';
import { MillraceError } from '../../schemas/errors.js';
import type { Invocation } from './invocation.js';
import { text, type Settings } from './settings.js';

/** Where a command's SQL runs, as the profile or `--database` says it. */
export interface Connection {
  dialect: Warehouse['dialect'];
  /** catalog */
  database: string;
  schema: string;
  target: TargetSettings & { threads: number };
  /** null when there is none, and `--database` names a file */
  profile: Profile | null;
  open(): Promise<Warehouse>;
}

/** dbt's default where no profile says it */
const SCHEMA = 'main';
const THREADS = 4;

/** @throws MillraceError for a profile that is missing or wrong */
export function connectionOf({ settings, id }: Invocation): Connection {
  const file = text(settings.given, 'database');
  const profile = profileOf(settings, file !== undefined);
  const threads = settings.flags.threads ?? profile?.threads ?? THREADS;
  const shared = {
    schema: profile?.schema ?? SCHEMA,
    target: { name: profile?.target ?? 'dev', threads, profile: profile?.name, fields: profile?.fields },
    profile,
  };
  if (file !== undefined) {
    const path = resolve(file);
    return {
      ...shared,
      dialect: 'duckdb',
      database: path === resolve(':memory:') ? 'memory' : basename(path).replace(/\.[^.]*$/, ''),
      open: () => openFile(file === ':memory:' ? file : path),
    };
  }
  if (!profile) throw new Error('a profile or a file is there by now');
  return {
    ...shared,
    dialect: profile.type,
    database: profile.database ?? '',
    open: async () => {
      const { openProfile } = await import('../../engines/warehouse/open-profile.js');
      return openProfile({ ...profile, threads, tag: { run: id } });
    },
  };
}

/** With `--database` the profile gives schema and target where there is one; without, it must be right. */
function profileOf({ dir, yaml, given, flags }: Settings, optional: boolean): Profile | null {
  try {
    return readProfile({
      ...{ dir, profile: text(given, 'profile') ?? text(yaml, 'profile') },
      ...{ profilesDir: text(given, 'profiles_dir'), target: flags.target },
      ...{ env: process.env, vars: flags.vars ?? {} },
    });
  } catch (error) {
    if (optional && flags.target === undefined && error instanceof MillraceError) return null;
    throw error;
  }
}

async function openFile(path: string): Promise<Warehouse> {
  const { openDuckDb } = await import('../../engines/warehouse/duckdb.js');
  return openDuckDb({ path, memoryLimit: '1GB' });
}

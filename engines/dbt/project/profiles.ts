import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { MillraceError } from '../../../schemas/errors.js';
import { didYouMean } from '../../nearest.js';
import { isRecord } from '../parse/config.js';
import { readText } from './files.js';
import { SettingsRenderer, type SettingsContext } from './render-settings.js';
import { readYaml, type YamlFile } from './yaml.js';

export const PROFILE_TYPES = ['duckdb', 'snowflake', 'postgres'] as const;
export type ProfileType = (typeof PROFILE_TYPES)[number];

/** One output of profiles.yml: how a target is reached. */
export interface Profile {
  /** of the profile */
  name: string;
  /** of the target */
  target: string;
  type: ProfileType;
  schema: string;
  /** where the output names one; DuckDB's is the stem of its file */
  database: string | undefined;
  threads: number;
  /** the output as it is written, rendered; secrets among them: for whoever opens the warehouse, and nobody else */
  settings: Record<string, unknown>;
  /** what templates see of it under `target` */
  fields: Record<string, unknown>;
  /** values that must not be shown */
  secrets: string[];
  /** the profiles.yml */
  file: string;
}

export interface ProfileRequest extends SettingsContext {
  /** folder of the project: relative paths start there */
  dir: string;
  /** `profile:` of dbt_project.yml, or `--profile` */
  profile: string | undefined;
  /** `--profiles-dir` or DBT_PROFILES_DIR; otherwise the project's folder, this one, and `~/.dbt` are looked at */
  profilesDir?: string | undefined;
  /** `--target`; otherwise the profile says which */
  target?: string | undefined;
}

const SECRET = /pass|secret|token|private_key|credential|api_key/i;
/** dbt's other names of the same setting */
const ALIASES: Record<string, string> = { pass: 'password', dbname: 'database', catalog: 'database' };

/**
 * Reads the connection settings of a dbt project.
 *
 * @throws MillraceError DbtProjectInvalid, JinjaError, Unsupported for a warehouse that has no adapter
 */
export function readProfile(request: ProfileRequest): Profile {
  const file = findProfiles(request);
  const yaml = readYaml(readText(file), file);
  const profiles = isRecord(yaml.data) ? yaml.data : {};
  const name = profileName(request, yaml, profiles);
  const profile = profiles[name];
  const outputs = isRecord(profile) ? profile['outputs'] : undefined;
  if (!isRecord(profile) || !isRecord(outputs))
    throw invalid(yaml, [name], `profile '${name}' has no outputs`, 'Write outputs: with a target below it');
  const renderer = new SettingsRenderer(request);
  const target =
    request.target ?? String(renderer.render(profile['target'] ?? 'default', yaml, [name, 'target']));
  const raw = outputs[target];
  if (!isRecord(raw))
    throw invalid(
      yaml,
      [name, 'outputs'],
      `profile '${name}' has no target '${target}'`,
      didYouMean(target, Object.keys(outputs)) || `Targets are: ${Object.keys(outputs).join(', ')}`,
    );
  const rendered = renderer.render(raw, yaml, [name, 'outputs', target]) as Record<string, unknown>;
  const settings = Object.fromEntries(
    Object.entries(rendered).map(([key, value]) => [ALIASES[key] ?? key, value]),
  );
  return described(request, { name, target, settings, file, yaml, secrets: [...renderer.secrets] });
}

interface Output extends Pick<Profile, 'name' | 'target' | 'settings' | 'file' | 'secrets'> {
  yaml: YamlFile;
}

function described({ dir }: ProfileRequest, output: Output): Profile {
  const { yaml, settings, name, target, file } = output;
  const at = [name, 'outputs', target];
  const type = PROFILE_TYPES.find((each) => each === settings['type']);
  if (!type)
    throw new MillraceError(settings['type'] === undefined ? 'DbtProjectInvalid' : 'Unsupported', {
      what: `Target '${target}' of profile '${name}' has the type '${String(settings['type'])}', for which there is no adapter`,
      where: yaml.at([...at, 'type']),
      fix: `Adapters are: ${PROFILE_TYPES.join(', ')}`,
    });
  if (type === 'duckdb') settings['path'] = duckDbPath(settings['path'], dir);
  const schema = settings['schema'] ?? (type === 'duckdb' ? 'main' : undefined);
  if (typeof schema !== 'string' || schema === '')
    throw invalid(yaml, at, `target '${target}' names no schema`, "Write 'schema: …' into its output");
  const threads = Number(settings['threads'] ?? 1);
  if (!Number.isInteger(threads) || threads < 1)
    throw invalid(
      yaml,
      [...at, 'threads'],
      `'${String(settings['threads'])}' is no number of threads`,
      'Write a whole number',
    );
  const database = databaseOf(type, settings);
  const shown = Object.entries(settings).filter(([key]) => !SECRET.test(key) && key !== 'threads');
  const hidden = Object.entries(settings).flatMap(([key, value]) =>
    SECRET.test(key) && typeof value === 'string' ? [value] : [],
  );
  return {
    ...{ name, target, type, schema, database, threads, settings, file },
    fields: { ...Object.fromEntries(shown), schema, ...(database !== undefined && { database }) },
    secrets: [...new Set([...output.secrets, ...hidden])],
  };
}

function databaseOf(type: ProfileType, settings: Record<string, unknown>): string | undefined {
  const named = settings['database'];
  if (typeof named === 'string' && named !== '') return named;
  if (type !== 'duckdb') return undefined;
  const path = String(settings['path']);
  return path === ':memory:' ? 'memory' : basename(path).replace(/\.[^.]*$/, '');
}

/** A file of the project, unless it is in memory or somewhere else altogether (`md:`, `s3://`). */
function duckDbPath(path: unknown, dir: string): string {
  if (typeof path !== 'string' || path === '' || path === ':memory:') return ':memory:';
  const text = path.replace(/^~(?=\/)/, homedir());
  return isAbsolute(text) || /^[a-z][\w+]+:/i.test(text) ? text : join(dir, text);
}

function findProfiles({ dir, profilesDir }: ProfileRequest): string {
  const folders =
    profilesDir === undefined
      ? [...new Set([dir, process.cwd(), join(homedir(), '.dbt')])]
      : [isAbsolute(profilesDir) ? profilesDir : resolve(profilesDir)];
  const files = folders.map((folder) => join(folder, 'profiles.yml'));
  const found = files.find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new MillraceError('DbtProjectInvalid', {
    what: `There is no profiles.yml in ${folders.join(' or ')}`,
    fix: 'Put profiles.yml beside dbt_project.yml, name its folder by --profiles-dir, or name a DuckDB file by --database',
  });
}

function profileName({ profile }: ProfileRequest, yaml: YamlFile, profiles: Record<string, unknown>): string {
  const names = Object.keys(profiles).filter((name) => name !== 'config');
  const known = names.length > 0 ? `Profiles are: ${names.join(', ')}` : 'It is empty';
  if (profile === undefined)
    throw new MillraceError('DbtProjectInvalid', {
      what: 'The project names no profile',
      where: { file: 'dbt_project.yml' },
      fix: `Write 'profile: …' into dbt_project.yml, or name one by --profile. ${known}`,
    });
  if (names.includes(profile)) return profile;
  throw invalid(yaml, [], `there is no profile '${profile}'`, didYouMean(profile, names) || known);
}

const invalid = (
  yaml: YamlFile,
  path: readonly (string | number)[],
  why: string,
  fix: string,
): MillraceError =>
  new MillraceError('DbtProjectInvalid', {
    what: `profiles.yml is not valid: ${why}`,
    where: yaml.at(path),
    fix,
  });

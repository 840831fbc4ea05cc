import { Arguments } from '../jinja/arguments.js';
import { COMMON, varFunction } from '../context/functions.js';
import { MillraceError } from '../../../schemas/errors.js';
import { JinjaFault } from '../jinja/fault.js';
import { nativeValue } from '../jinja/native-value.js';
import { parseTemplate } from '../jinja/parser.js';
import { renderParts } from '../jinja/render.js';
import { Scope } from '../jinja/scope.js';
import { fromPlain, str, toPlain, type JinjaFunction, type Value } from '../jinja/values.js';
import type { YamlFile } from './yaml.js';

export interface SettingsContext {
  env: Readonly<Record<string, string | undefined>>;
  /** of `--vars`; those of dbt_project.yml are not known yet when settings are read */
  vars: Readonly<Record<string, unknown>>;
}

/**
 * Renders the texts inside profiles.yml, packages.yml and the like. They know environment and `--vars` only; other
 * than in SQL, secrets (`DBT_ENV_SECRET_…`) may be read here. A text that is one expression keeps its type.
 */
export class SettingsRenderer {
  private readonly scope: Scope;
  /** values of secrets that were read, to be kept out of messages */
  readonly secrets = new Set<string>();

  constructor({ env, vars }: SettingsContext) {
    const globals: Record<string, Value> = {
      ...COMMON,
      env_var: this.environment(env),
      var: varFunction(new Map(Object.entries(vars).map(([name, value]) => [name, fromPlain(value)]))),
    };
    this.scope = new Scope({
      get: (name) => (Object.hasOwn(globals, name) ? globals[name] : undefined),
      names: () => Object.keys(globals),
      lenient: false,
    });
  }

  /**
   * @param path of the value in its file
   * @throws MillraceError JinjaError
   */
  render(value: unknown, yaml: YamlFile, path: readonly (string | number)[]): unknown {
    if (typeof value === 'string') return this.text(value, yaml, path);
    if (Array.isArray(value)) return value.map((each, at) => this.render(each, yaml, [...path, at]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, this.render(item, yaml, [...path, key])]),
    );
  }

  private text(text: string, yaml: YamlFile, path: readonly (string | number)[]): unknown {
    if (!text.includes('{{') && !text.includes('{%') && !text.includes('{#')) return text;
    try {
      const parts = renderParts(parseTemplate(text, yaml.file), this.scope.inner());
      return parts.length === 1 ? toPlain(nativeValue(parts[0] as Value)) : parts.map(str).join('');
    } catch (cause) {
      if (!(cause instanceof JinjaFault)) throw cause;
      const { type, what, fix } = cause.toError();
      // lines of the text are not lines of the file
      throw new MillraceError(type, { what, where: yaml.at(path), ...(fix !== undefined && { fix }), cause });
    }
  }

  private environment(env: SettingsContext['env']): JinjaFunction {
    return (args, kwargs) => {
      const given = new Arguments('env_var()', args, kwargs);
      const name = given.text(0, 'var');
      const found = env[name];
      if (found !== undefined) {
        if (name.startsWith('DBT_ENV_SECRET')) this.secrets.add(found);
        return found;
      }
      if (given.has(1, 'default')) return given.text(1, 'default');
      throw new JinjaFault(
        `env_var('${name}'): the environment variable is not set`,
        undefined,
        `Set ${name}, or give a default: env_var('${name}', '…')`,
      );
    };
  }
}

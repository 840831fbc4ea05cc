import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';
import { z } from 'zod';
import { MillraceError } from '../../schemas/errors.js';
import { Project } from '../../schemas/project.js';
import { nearest } from '../nearest.js';
import { readCopybooks } from './copybooks.js';
import { checkReferences } from './references.js';

const FILE_NAMES = ['millrace.ts', 'millrace.mts', 'millrace.js', 'millrace.mjs'];
/** What `import … from 'millrace'` means inside a project, also where no package of that name is installed. */
const API = fileURLToPath(
  new URL(`../../schemas/project${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
);

export interface LoadedProject {
  root: string;
  file: string;
  spec: Project;
}

/** The file that declares a project, or undefined when the folder has none. */
export const projectFile = (root: string): string | undefined =>
  FILE_NAMES.map((name) => resolve(root, name)).find((path) => existsSync(path));

/**
 * Reads and validates the `millrace.ts` of a project folder.
 * @throws MillraceError ProjectNotFound, or ProjectInvalid naming file, path and what was expected
 */
export async function loadProject(folder: string): Promise<LoadedProject> {
  const root = resolve(folder);
  const file = projectFile(root);
  if (!file) {
    throw new MillraceError('ProjectNotFound', {
      what: `there is no millrace.ts in ${root}`,
      fix: 'Name the project folder with --project, or make one with: millrace init <folder>',
    });
  }
  const spec = validateProject(await evaluate(file), file);
  await readCopybooks(spec, root, file);
  return { root, file, spec };
}

/** @throws MillraceError ProjectInvalid with up to ten problems, each with its path */
export function validateProject(definition: unknown, file: string): Project {
  const parsed = Project.safeParse(definition);
  if (!parsed.success) {
    const problems = parsed.error.issues.flatMap((issue) => describeIssue(issue));
    throw invalid(file, problems);
  }
  const problems = checkReferences(parsed.data);
  if (problems.length > 0) throw invalid(file, problems);
  return parsed.data;
}

interface Problem {
  path: string;
  message: string;
}

function invalid(file: string, problems: Problem[]): MillraceError {
  const shown = problems.slice(0, 10).map(({ path, message }) => `${path || '(the project)'}: ${message}`);
  const more = problems.length > shown.length ? `; and ${problems.length - shown.length} more` : '';
  const only = problems.length === 1 ? problems[0] : undefined;
  return new MillraceError('ProjectInvalid', {
    what: only ? only.message : `the project has ${problems.length} problems: ${shown.join('; ')}${more}`,
    where: only?.path ? { file, path: only.path } : { file },
    fix: 'Correct it and run again; the editor shows the expected shape at that place',
  });
}

async function evaluate(file: string): Promise<unknown> {
  // No caches: a worker that lives for days must see the file as it is now.
  const jiti = createJiti(import.meta.url, {
    moduleCache: false,
    fsCache: false,
    interopDefault: false,
    alias: { millrace: API },
  });
  let loaded: { default?: unknown };
  try {
    loaded = await jiti.import<{ default?: unknown }>(file);
  } catch (cause) {
    throw new MillraceError('ProjectInvalid', {
      what: `the project file could not be evaluated: ${cause instanceof Error ? cause.message : String(cause)}`,
      where: { file, ...positionInStack(cause, file) },
      fix: 'Mend the file; it must run without side effects and export its project as default',
      cause,
    });
  }
  if (loaded.default === undefined) {
    throw new MillraceError('ProjectInvalid', {
      what: 'the project file has no default export',
      where: { file },
      fix: 'End it with: export default project({ … })',
    });
  }
  return loaded.default;
}

function positionInStack(cause: unknown, file: string): { line: number; column: number } | undefined {
  const text = cause instanceof Error ? `${cause.message}\n${cause.stack ?? ''}` : '';
  const at = text.indexOf(`${file}:`);
  const match = at < 0 ? null : /^:(\d+):(\d+)/.exec(text.slice(at + file.length));
  return match ? { line: Number(match[1]), column: Number(match[2]) } : undefined;
}

function describeIssue(issue: z.core.$ZodIssue, prefix: PropertyKey[] = []): Problem[] {
  const path = [...prefix, ...issue.path];
  const text = path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const near = nearest(key, knownKeys(path));
      return {
        path: text,
        message: `unknown option '${key}'${near ? `; did you mean '${near}'?` : ''}`,
      };
    });
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    // the alternative that came furthest is the one that was meant
    const best = [...issue.errors].sort((a, b) => depth(b) - depth(a))[0] ?? [];
    if (depth(best) > 0) return best.flatMap((inner) => describeIssue(inner, path));
    // the schema itself says what it takes
    if (issue.message !== 'Invalid input') return [{ path: text, message: issue.message }];
    return [
      { path: text, message: [...new Set(issue.errors.flat().map((inner) => inner.message))].join(', or ') },
    ];
  }
  if (issue.code === 'invalid_key') {
    const name = JSON.stringify(String(path.at(-1)));
    return issue.issues.map((inner) => ({ path: text, message: `the name ${name} ${inner.message}` }));
  }
  return [{ path: text, message: issue.message }];
}

const depth = (issues: z.core.$ZodIssue[]): number =>
  Math.max(0, ...issues.map((issue) => issue.path.length));

/** Option names at a path of the schema, for the suggestion after a typing error. */
function knownKeys(path: PropertyKey[]): string[] {
  let schemas: unknown[] = alternatives(Project);
  for (const part of path) {
    schemas = schemas.flatMap((schema) => {
      if (schema instanceof z.ZodObject)
        return alternatives((schema.shape as Record<PropertyKey, unknown>)[part]);
      return schema instanceof z.ZodRecord ? alternatives(schema.valueType) : [];
    });
  }
  const names = schemas.flatMap((schema) => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : []));
  return [...new Set(names)];
}

/** What a schema may be, without its wrappers: each kind of source has options of its own. */
function alternatives(schema: unknown): unknown[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) return alternatives(schema.unwrap());
  if (schema instanceof z.ZodPipe) return alternatives(schema.in);
  // a discriminated union is a union, too
  return schema instanceof z.ZodUnion ? schema.options.flatMap(alternatives) : [schema];
}

import { isScalar, LineCounter, parseDocument, type Tags } from 'yaml';
import { MillraceError, type Position } from '../../../schemas/errors.js';
import { readSimpleYaml } from './simple-yaml.js';

/** A YAML file as plain data, and where each part of it stands. */
export interface YamlFile {
  file: string;
  data: unknown;
  at(path: readonly (string | number)[]): Position;
}

/**
 * Reads YAML the way PyYAML does (version 1.1: `yes` and `on` are booleans); dates become ISO text.
 *
 * @throws MillraceError DbtProjectInvalid with the line
 */
export function readYaml(text: string, file: string): YamlFile {
  const simple = readSimpleYaml(text);
  if (simple) return yamlFile(file, simple.data, text);
  const { document, lines } = parse(text);
  const fault = document.errors[0];
  if (fault) {
    const { line, col } = lines.linePos(fault.pos[0]);
    throw new MillraceError('DbtProjectInvalid', {
      what: `This is not valid YAML: ${(fault.message.split('\n')[0] ?? '').replace(/ at line.*$/, '')}`,
      where: { file, line, column: col },
      fix: 'Correct the YAML at that place (indentation, colons, quotes)',
      cause: fault,
    });
  }
  return yamlFile(file, withoutDates(document.toJS({ maxAliasCount: 1000 })), text);
}

/** Data that was read before. Places are looked up in the text when somebody asks: few do, and trees are large. */
export function yamlFile(file: string, data: unknown, text: string): YamlFile {
  let parsed: ReturnType<typeof parse> | undefined;
  return {
    file,
    data,
    at: (path) => {
      const { document, lines } = (parsed ??= parse(text));
      for (let depth = path.length; depth > 0; depth--) {
        const node = document.getIn(path.slice(0, depth), true);
        const range =
          (isScalar(node) || (typeof node === 'object' && node !== null)) && 'range' in node
            ? node.range
            : null;
        if (Array.isArray(range)) {
          const { line, col } = lines.linePos(range[0] as number);
          return { file, line, column: col };
        }
      }
      return { file, line: 1 };
    },
  };
}

function parse(text: string) {
  const lines = new LineCounter();
  const options = { lineCounter: lines, version: '1.1', merge: true, uniqueKeys: true } as const;
  return { document: parseDocument(text, { ...options, customTags: asPython }), lines };
}

/** PyYAML reads `yes` and `on` as booleans, but leaves `y` and `n` alone */
const asPython = (tags: Tags): Tags =>
  tags.map((tag) => {
    if (typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:bool' || !('test' in tag) || !tag.test)
      return tag;
    const isTrue = tag.test.test('yes');
    return {
      ...tag,
      test: isTrue ? /^(?:[Yy]es|YES|[Tt]rue|TRUE|[Oo]n|ON)$/ : /^(?:[Nn]o|NO|[Ff]alse|FALSE|[Oo]ff|OFF)$/,
    };
  });

function withoutDates(value: unknown): unknown {
  if (value instanceof Date) {
    const text = value.toISOString();
    return text.endsWith('T00:00:00.000Z') ? text.slice(0, 10) : text.replace('.000Z', 'Z');
  }
  if (Array.isArray(value)) return value.map(withoutDates);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutDates(item)]));
}

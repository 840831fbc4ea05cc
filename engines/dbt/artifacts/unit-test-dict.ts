import { createHash } from 'node:crypto';
import type { Environment } from '../context/environment.js';
import { fromPlain, repr, type Dict, type Value } from '../jinja/values.js';
import type { Node, UnitRows, UnitTest } from '../manifest.js';
import { createdAt, identity } from './node-dict.js';
import { list } from './resource-dicts.js';

/** A unit test as dbt writes it: in a table of its own, not among the nodes. */
export function unitTestDict(node: Node & { unit: UnitTest }, environment: Environment): Dict {
  const { unit, config } = node;
  const model = environment.manifest.nodes.get(unit.model);
  return new Map<Value, Value>([
    ['model', unit.modelName],
    ['given', unit.given.map(({ input, ...rows }) => fromPlain({ input, ...rowsOf(rows) }))],
    ['expect', fromPlain(rowsOf(unit.expect))],
    ...identity(node, environment),
    ['fqn', [...node.fqn]],
    ['description', node.description],
    ['overrides', fromPlain(overridesOf(unit))],
    ['depends_on', fromPlain({ macros: node.macros ?? [], nodes: node.dependsOn })],
    [
      'config',
      new Map<Value, Value>([
        ['tags', list(config.get('tags'))],
        ['meta', config.get('meta') ?? new Map()],
        ['enabled', config.get('enabled') ?? true],
      ]),
    ],
    ['checksum', checksum(unit)],
    ['schema', model?.names?.schema ?? environment.target.schema],
    ['created_at', createdAt(environment)],
    ['versions', fromPlain(versionsOf(unit))],
    ['version', unit.version],
  ]);
}

const rowsOf = ({
  format,
  rows,
  fixture = null,
}: Omit<UnitRows, 'fixture'> & { fixture?: string | null }) => ({
  rows,
  format,
  fixture,
});

function overridesOf({ overrides }: UnitTest): Record<string, unknown> | null {
  const { macros, vars, envVars } = overrides;
  const none = [macros, vars, envVars].every((each) => Object.keys(each).length === 0);
  return none ? null : { macros, vars, env_vars: envVars };
}

const versionsOf = ({ versions }: UnitTest): Record<string, unknown> | null =>
  versions && { include: versions.include ?? null, exclude: versions.exclude ?? null };

/** over everything but the description, as Python prints it: a manifest of either tool compares with one of the other */
function checksum(unit: UnitTest): string {
  const given = unit.given.map(({ input, ...rows }) =>
    printed('UnitTestInputFixture', { input, ...rowsOf(rows) }),
  );
  const overrides = overridesOf(unit);
  const versions = versionsOf(unit);
  const text = [
    ...[
      unit.modelName,
      versions ? printed('UnitTestNodeVersions', versions) : 'None',
      `[${given.join(', ')}]`,
    ],
    printed('UnitTestOutputFixture', rowsOf(unit.expect)),
    overrides ? printed('UnitTestOverrides', overrides) : 'None',
    ...unit.given.flatMap(({ fixture, rows }) => (fixture === undefined ? [] : [repr(fromPlain(rows))])),
  ].join('-');
  return createHash('sha256').update(text).digest('hex');
}

const FORMATS: Record<string, string> = { dict: 'Dict', csv: 'CSV', sql: 'SQL' };

function printed(type: string, fields: Record<string, unknown>): string {
  const each = Object.entries(fields).map(([key, value]) =>
    key === 'format'
      ? `format=<UnitTestFormat.${FORMATS[String(value)] ?? ''}: '${String(value)}'>`
      : `${key}=${repr(fromPlain(value))}`,
  );
  return `${type}(${each.join(', ')})`;
}

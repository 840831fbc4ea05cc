import { expect, test } from 'vitest';
import { select } from '../../../engines/dbt/select/selection.js';
import { readTransform } from '../../../engines/dbt/transform.js';
import type { DbtFlags } from '../../../schemas/dbt.js';
import { context, writeProject, type Files } from './project.js';

const MODELS: Files = {
  'models/a.sql': "{{ config(tags=['nightly']) }}select 1 as id",
  'models/b.sql': "{{ config(tags=['nightly']) }}select * from {{ ref('a') }}",
  'models/c.sql': "select * from {{ ref('b') }}",
  'models/m.yml':
    'models: [{name: b, columns: [{name: id, tests: [{relationships: {to: ref("c"), field: id}}]}]}]',
};

function chosen(files: Files, flags: DbtFlags, command: 'ls' | 'build' | 'run' | 'test' = 'ls') {
  const dir = writeProject({ ...MODELS, ...files });
  const warehouse = { dialect: 'duckdb', database: 'memory' } as never;
  const { environment } = readTransform({ ...context(dir, warehouse), flags, select: false });
  const { ids, warnings } = select(environment, { command });
  return {
    names: [...ids].map((id) => id.split('.')[2]).join(' '),
    warnings: warnings.map(({ event }) => event),
  };
}

const selectors = (text: string): Files => ({ 'selectors.yml': `selectors:\n${text}` });
const one = (definition: string): Files => selectors(`  - name: it\n    definition: ${definition}\n`);

test.each<[string, string]>([
  ['tag:nightly', 'a b relationships_b_id__id__ref_c_'],
  ['{tag: nightly}', 'a b relationships_b_id__id__ref_c_'],
  [
    '{method: fqn, value: b, parents: true, children: true, indirect_selection: empty}',
    'a b c relationships_b_id__id__ref_c_',
  ],
  ['{method: fqn, value: b, indirect_selection: cautious}', 'b'],
  ['{method: fqn, value: c, parents: true, parents_depth: 1, indirect_selection: empty}', 'b c'],
  ['{method: tag, value: nightly, indirect_selection: empty, exclude: [{method: fqn, value: a}]}', 'b'],
  ['{union: ["a", {intersection: ["tag:nightly", "b+"]}, {exclude: ["test_type:generic"]}]}', 'a b'],
])('the definition %s selects %s', (definition, expected) => {
  expect(chosen(one(definition), { selector: 'it' }).names).toBe(expected);
});

test('a selector may build on one above it, and be written as a template', () => {
  const files = selectors(
    "  - name: base\n    definition: \"{{ var('what', 'tag:nightly') }}\"\n" +
      '  - name: it\n    definition: {method: selector, value: base}\n',
  );
  expect(chosen(files, { selector: 'it', vars: {} }).names).toMatch(/^a b/);
  expect(chosen(files, { select: ['selector:base,c+'] }).names).toBe('relationships_b_id__id__ref_c_');
});

test('the default selector counts where nothing else is asked for', () => {
  const files = selectors('  - name: it\n    default: true\n    definition: fqn:a\n');
  expect(chosen(files, {}).names).toBe('a');
  expect(chosen(files, { select: ['c'], indirectSelection: 'empty' }).names).toBe('c');
});

test.each<[string, string, RegExp]>([
  ['an unknown method', 'tagg:x', /no method 'tagg'.*selectors\.yml:3.*Did you mean 'tag'/],
  ['a list', '[a, b]', /definition of 'it' is a list.*selectors\.yml:2/],
  ['a second exclusion', '{union: [a, {exclude: [b]}, {exclude: [c]}]}', /second 'exclude'/],
  ['a key beside a union', '{union: [a], intersection: [b]}', /side by side/],
  ['no value', '{method: tag, parents: true}', /needs 'method' and 'value'/],
  ['an unknown key', '{method: tag, value: x, parent: true}', /has no 'parent'/],
  ['an unknown mode', '{method: tag, value: x, indirect_selection: keen}', /no indirect selection 'keen'/],
  ['a selector that is not there', '{method: selector, value: other}', /no selector 'other' stands above/],
])('%s in selectors.yml is refused with its place', (_, definition, message) => {
  expect(() => chosen(one(definition), { selector: 'it' })).toThrow(message);
});

test('two defaults, two of one name, and a name that nobody defines are refused', () => {
  const twice = '  - {name: it, default: true, definition: a}\n';
  expect(() => chosen(selectors(twice + twice.replace('it', 'other')), {})).toThrow(/both 'it' and 'other'/);
  expect(() => chosen(selectors(twice + twice), {})).toThrow(/two selectors 'it'/);
  expect(() => chosen(one('a'), { selector: 'itt' })).toThrow(/no selector of that name.*Did you mean 'it'/);
});

test('each command takes its own kinds, and says when nothing is left', () => {
  expect(chosen({}, { select: ['b'] }, 'run').names).toBe('b');
  expect(chosen({}, { select: ['b'] }, 'test').names).toBe('relationships_b_id__id__ref_c_');
  expect(chosen({}, { resourceTypes: ['model'], select: ['b'] }, 'build').names).toBe('b');
  expect(chosen({}, { excludeResourceTypes: ['test'], select: ['b'] }, 'build').names).toBe('b');
  expect(chosen({}, { select: ['nothing'] }, 'run')).toEqual({
    names: '',
    warnings: ['NoNodesForSelectionCriteria', 'NoNodesSelected'],
  });
});

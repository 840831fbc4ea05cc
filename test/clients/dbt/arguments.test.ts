import { describe, expect, test } from 'vitest';
import { parseArguments, withDefaults } from '../../../clients/dbt/parse-arguments.js';
import { flagsOf } from '../../../clients/dbt/settings.js';

const given = (line: string): unknown => parseArguments(line.split(' ')).given;
const flags = (line: string): unknown => {
  const parsed = parseArguments(line.split(' '));
  return flagsOf(parsed.given, { command: parsed.command ?? 'run', operands: parsed.operands });
};

describe('a command line', () => {
  test.each([
    ['run --select a b c --exclude d', { select: ['a', 'b', 'c'], exclude: ['d'] }],
    ['run -s a -s b', { select: ['a', 'b'] }],
    ['run --select=a', { select: ['a'] }],
    ['--warn-error test --select a', { warn_error: true, select: ['a'] }],
    ['run -tprod -xf', { target: 'prod', fail_fast: true, full_refresh: true }],
    ['build --no-defer --empty', { defer: false, empty: true }],
    ['run --threads 8', { threads: 8 }],
    ['ls --resource-type model test', { resource_types: ['model', 'test'] }],
    ['show --limit -1 --select a', { limit: -1, select: ['a'] }],
    ['run --no-partial-parse --no-use-colors', { partial_parse: false, use_colors: false }],
  ])('%s', (line, expected) => {
    expect(given(line)).toEqual(expected);
  });

  test('commands of two words are one, and an operand names the macro', () => {
    expect(parseArguments(['source', 'freshness']).command).toBe('source freshness');
    expect(parseArguments(['source', 'snapshot-freshness']).command).toBe('source freshness');
    const parsed = parseArguments(['run-operation', 'grant_all', '--args', '{role: reader}']);
    expect(parsed.operands).toEqual(['grant_all']);
    expect(parsed.given['args']).toEqual({ role: 'reader' });
  });

  test('variables are YAML', () => {
    const parsed = parseArguments(['run', '--vars', "{day: '2024-01-01', full: true, n: [1, 2]}"]);
    expect(parsed.given['vars']).toEqual({ day: '2024-01-01', full: true, n: [1, 2] });
    expect(parseArguments(['run', '--vars', 'a: b']).given['vars']).toEqual({ a: 'b' });
  });

  test('models of ls are models only', () => {
    expect(flags('ls --models a')).toEqual({ select: ['a'], resourceTypes: ['model'] });
    expect(flags('run -m a')).toEqual({ select: ['a'] });
  });

  test('warnings become errors as the options say', () => {
    expect(flags('run --warn-error')).toEqual({ warnError: true });
    const parsed = parseArguments(['run', '--warn-error-options', '{error: [NoNodesSelected]}']);
    expect(flagsOf(parsed.given, { command: 'run', operands: [] })).toEqual({
      warnError: ['NoNodesSelected'],
    });
  });

  test.each([
    [['bild'], "Did you mean 'build'"],
    [['run', '--selct', 'a'], "Did you mean '--select'"],
    [['run', '--threads', 'many'], 'whole number'],
    [['run', '--threads'], "'--threads' needs a value"],
    [['run', '--vars', 'just words'], 'no dictionary'],
    [['run', '--vars', '{a: '], 'not valid YAML'],
    [['run', '--event-time-start', 'yesterday'], '2024-03-01'],
    [['build', '--indirect-selection', 'egaer'], "Did you mean 'eager'"],
    [['run', '--output-keys', 'name'], 'It belongs to: ls'],
    [['source'], "Write 'source freshness'"],
    [['docs', 'make'], "'docs generate' or 'docs serve'"],
  ])('%j is refused with what to do', (argv, message) => {
    expect(() => parseArguments(argv)).toThrow(message);
  });
});

describe('an option that is not typed', () => {
  test('comes from the environment before the project', () => {
    const env = { DBT_FULL_REFRESH: 'true', DBT_TARGET: 'prod' };
    expect(withDefaults({ target: 'dev' }, env, { fail_fast: true, full_refresh: false })).toEqual({
      target: 'dev',
      full_refresh: true,
      fail_fast: true,
    });
  });

  test('an environment variable that makes no sense is named', () => {
    expect(() => withDefaults({}, { DBT_FAIL_FAST: 'perhaps' })).toThrow('DBT_FAIL_FAST');
  });
});

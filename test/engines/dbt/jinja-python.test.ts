import { describe, expect, test } from 'vitest';
import { COMMON } from '../../../engines/dbt/context/functions.js';
import { modules } from '../../../engines/dbt/context/modules.js';
import { parseTemplate } from '../../../engines/dbt/jinja/parser.js';
import { render } from '../../../engines/dbt/jinja/render.js';
import { Scope } from '../../../engines/dbt/jinja/scope.js';
import { Decimal, type Value } from '../../../engines/dbt/jinja/values.js';

function jinja(text: string): string {
  const names: Record<string, Value> = {
    ...COMMON,
    modules: modules('2024-03-01T05:06:07Z'),
    price: new Decimal('2.50'),
  };
  const globals = { lenient: false, get: (name: string) => names[name], names: () => Object.keys(names) };
  return render(parseTemplate(text, 'models/a.sql'), new Scope(globals));
}

/** what dbt's own Jinja gives, found by rendering the same texts with it */
describe('what Python does with', () => {
  test.each([
    [
      'whole numbers of any size',
      '{{ 9223372036854775807 }} {{ 2 ** 64 }} {{ 9007199254740993 + 1 }}',
      '9223372036854775807 18446744073709551616 9007199254740994',
    ],
    ['negative zero', '{{ -0.0 }} {{ -0 }}', '-0.0 0'],
    [
      'rounding',
      '{{ 2.675 | round(2) }} {{ 2.5 | round }} {{ 42 | round }} {{ 1234.5678 | round(-2) }}',
      '2.67 2.0 42 1200.0',
    ],
    ['a list in a percent format', "{{ '%s' % [1, 'a'] }}", "[1, 'a']"],
    ['formats', "{{ '{:#x} {:08b} {:{w}}|'.format(255, 5, 'a', w=3) }}", '0xff 00000101 a  |'],
    ['an index in a format', "{{ '{0[0]}{1[k]}'.format([9], {'k': 8}) }}", '98'],
    ['titles', `{{ "they're a-b" | title }}`, "They're A-B"],
    ['centred text', "{{ 'ab'.center(5, '.') }}", '..ab.'],
    ['lines', "{{ 'a\\nb'.splitlines(true) }}", "['a\\n', 'b']"],
    ['text from a place on', "{{ 'abc'.startswith('b', 1) }}", 'True'],
    ['control characters in lists', "{{ ['\\x00', '\\u200b'] }}", "['\\x00', '\\u200b']"],
    ['tuples as keys', '{{ {(1, 2): "a"}[(1, 2)] }} {{ set([(1, 2), (1, 2)]) | length }}', 'a 1'],
    ['the last item of a dict', '{{ {"a": 1, "b": 2}.popitem() }}', "('b', 2)"],
    ['sets', '{{ set([1, 2]).symmetric_difference([2, 3]) | list }}', '[1, 3]'],
    [
      'exact numbers',
      '{{ price }} {{ price + 1 }} {{ price * 2 }} {{ price / 4 }} {{ -price }} {{ [price] }}',
      "2.50 3.50 5.00 0.625 -2.50 [Decimal('2.50')]",
    ],
    [
      'a cycler',
      '{% set c = cycler("a", "b") %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}',
      'abab',
    ],
    ['wrapped text', "{{ 'hello wonderful world' | wordwrap(8) }}", 'hello wo\nnderful\nworld'],
    ['sizes', '{{ 1500000 | filesizeformat }} {{ 1024 | filesizeformat(true) }}', '1.5 MB 1.0 KiB'],
    ['nothing at all', '{% for i in nobody %}x{% else %}none{% endfor %}{{ nobody | length }}', 'none0'],
    [
      'typed arguments',
      '{% macro m(a: int, b: Dict[str, Any] = {}) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}',
      '1{}',
    ],
  ])('%s', (_, text, expected) => {
    expect(jinja(text)).toBe(expected);
  });

  test('map, select and reject of nothing are nothing, as they look only at what is true', () => {
    expect(
      jinja("{{ 'a' in none | map('lower') }} {{ none | select | list }} {{ '' | map('upper') | list }}"),
    ).toBe('False [] []');
  });

  test('return in the block of a call ends the macro that calls the block', () => {
    const outer = '{% macro outer() %}{% set x = caller() %}then {{ x }}{% endmacro %}';
    expect(jinja(`${outer}{% call outer() %}{{ return([1]) }}{% endcall %}|`)).toBe('[1]|');
  });

  test('a list prints as it is then, whatever happens to it afterwards', () => {
    expect(jinja('{% set a = [1] %}{{ a }}{% do a.append(2) %}{{ a }}')).toBe('[1][1, 2]');
  });

  test('an argument without a default after one that has a default is an error', () => {
    expect(() => jinja('{% macro m(a=1, b) %}{% endmacro %}')).toThrow("The argument 'b' has no default");
  });
});

describe('modules', () => {
  test.each([
    ['modules.datetime.timedelta(days=1) + modules.datetime.date(2024, 1, 31)', '2024-02-01'],
    ['(modules.datetime.date(2024, 3, 1) - modules.datetime.date(2024, 2, 1)).days', '29'],
    ['modules.datetime.date(2024, 1, 1) < modules.datetime.date(2024, 1, 2)', 'True'],
    ['[modules.datetime.date(2024, 1, 2)]', '[datetime.date(2024, 1, 2)]'],
    ['modules.datetime.datetime.now().strftime("%Y%m%d%H%M%S%f")', '20240301050607000000'],
    ['modules.datetime.datetime.strptime("02/Jan/24 3PM", "%d/%b/%y %I%p")', '2024-01-02 15:00:00'],
    [
      'modules.datetime.datetime(2024, 7, 1, 12, tzinfo=modules.pytz.utc).astimezone(modules.pytz.timezone("America/New_York"))',
      '2024-07-01 08:00:00-04:00',
    ],
    [
      'modules.pytz.timezone("Europe/Berlin").localize(modules.datetime.datetime(2024, 1, 1)).isoformat()',
      '2024-01-01T00:00:00+01:00',
    ],
    ['modules.datetime.timedelta(days=1) * 2', '2 days, 0:00:00'],
    ["modules.re.sub('^([0-9])', '_' ~ '\\\\1', '9 lives')", '_9 lives'],
    ["modules.re.split('(,)', 'a,b')", "['a', ',', 'b']"],
    ["modules.re.match('(?i)ABC', 'abc').group()", 'abc'],
    ["modules.re.match('(?P<x>a)', 'a').groupdict()", "{'x': 'a'}"],
    ["modules.re.sub('a', 'b', 'aaa', 2)", 'bba'],
    ["modules.re.findall('(a)|(b)', 'ab')", "[('a', ''), ('', 'b')]"],
    ["modules.re.findall('a(b)?', 'aab')", "['', 'b']"],
    ["modules.re.search('(?i)(?s)A.B$', 'a\\nb\\n').span()", '(0, 3)'],
    ["modules.re.findall('(?ix) ( [)] ) # one\\n ( [\\] ] ) # two', ')]')", "[(')', ']')]"],
    ["modules.re.findall('[]a]+', 'x]a')", "[']a']"],
    ["modules.re.sub('\\\\Z', '!', 'a\\n')", 'a\n!'],
    ['modules.itertools.permutations([1, 2]) | list', '[(1, 2), (2, 1)]'],
    ['modules.itertools.zip_longest([1, 2], [3]) | list', '[(1, 3), (2, None)]'],
    ['modules.itertools.accumulate([1, 2, 3]) | list', '[1, 3, 6]'],
  ])('%s', (expression, expected) => {
    expect(jinja(`{{ ${expression} }}`)).toBe(expected);
  });

  test('a time zone that does not exist is an error', () => {
    expect(() => jinja('{{ modules.pytz.timezone("Europe/Nowhere") }}')).toThrow(
      "There is no time zone 'Europe/Nowhere'",
    );
  });
});

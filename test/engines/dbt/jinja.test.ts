import type { Session } from '../../../engines/warehouse/port.js';
import { describe, expect, test } from 'vitest';
import { COMMON } from '../../../engines/dbt/context/functions.js';
import { renderWithQueries } from '../../../engines/dbt/context/queries.js';
import { JinjaFault } from '../../../engines/dbt/jinja/fault.js';
import { parseTemplate } from '../../../engines/dbt/jinja/parser.js';
import { render } from '../../../engines/dbt/jinja/render.js';
import { Scope } from '../../../engines/dbt/jinja/scope.js';
import { fromPlain, str, type Value } from '../../../engines/dbt/jinja/values.js';

function jinja(text: string, given: Record<string, unknown> = {}): string {
  const names: Record<string, Value> = { ...COMMON };
  for (const [name, value] of Object.entries(given)) names[name] = fromPlain(value);
  const globals = { lenient: false, get: (name: string) => names[name], names: () => Object.keys(names) };
  return render(parseTemplate(text, 'models/a.sql'), new Scope(globals));
}
function fault(text: string, given: Record<string, unknown> = {}): JinjaFault {
  try {
    jinja(text, given);
  } catch (cause) {
    if (cause instanceof JinjaFault) return cause;
    throw cause;
  }
  throw new Error(`no fault in ${text}`);
}

describe('expressions mean what they mean in Python', () => {
  test.each([
    ['7 // 2', '3'],
    ['-7 // 2', '-4'],
    ['-7 % 3', '2'],
    ['7 / 2', '3.5'],
    ['4 / 2', '2.0'],
    ['2 ** 10', '1024'],
    ['1.0 + 1', '2.0'],
    ['1 + 2 * 3 - 4', '3'],
    ['"a" ~ 1 ~ none', 'a1None'],
    ['"ab" * 3', 'ababab'],
    ['[1, 2] + [3]', '[1, 2, 3]'],
    ['1 < 2 < 3', 'True'],
    ['1 in [1, 2] and "b" not in "ac"', 'True'],
    ['not 1 == 2', 'True'],
    ['none or "x"', 'x'],
    ['"" and 1', ''],
    ['"yes" if false else "no"', 'no'],
    ['"yes" if false', ''],
    ['"abcdef"[1:4]', 'bcd'],
    ['"abc"[::-1]', 'cba'],
    ['[1, 2, 3][-1]', '3'],
    ["{'a': [1, 'x', none, true]}", "{'a': [1, 'x', None, True]}"],
    ['(1,)', '(1,)'],
    ['{"a": 1}.get("b", 5)', '5'],
    ["{'a': 1}['a']", '1'],
    ['{"a": none}.get("a", 1)', 'None'],
    ["'%05.1f|%s|%d' % (3.14159, 'x', 7)", '003.1|x|7'],
    ["'{} {x:>4} {0}'.format(1, x=2)", '1    2 1'],
    ["'a,b,c'.split(',')", "['a', 'b', 'c']"],
    ["' a  b '.split()", "['a', 'b']"],
    ["'Abc'.lower().upper().replace('B', 'x').startswith('Ax')", 'True'],
    ["', '.join(['a', 'b'])", 'a, b'],
    ['"x" is string and 1 is not string', 'True'],
    ['nothing is defined', 'False'],
    ['4 is divisibleby 2', 'True'],
    ['[3, 1, 2] | sort(reverse=true) | join("/")', '3/2/1'],
    ['["B", "a"] | sort', "['a', 'B']"],
    ['[1, 2, 3, 4] | select("even") | list', '[2, 4]'],
    ['[{"n": 1}, {"n": 2}] | map(attribute="n") | sum', '3'],
    ['[{"n": 1}, {"n": 2}] | selectattr("n", "gt", 1) | map(attribute="n") | first', '2'],
    ['["a", "b"] | map("upper") | join', 'AB'],
    ['{"b": 2, "a": 1} | dictsort | map("first") | join', 'ab'],
    ['nothing | default("d")', 'd'],
    ['"" | default("d", true)', 'd'],
    ['2.5 | round', '2.0'],
    ['"5" | int + 1', '6'],
    ['[1, [2, {"z": none}]] | tojson', '[1, [2, {"z": null}]]'],
    ['tojson({"b": 1.0, "a": "é"})', '{"b": 1.0, "a": "\\u00e9"}'],
    ['fromjson(\'{"p": [1, 2.0]}\').p[1]', '2.0'],
    ['range(1, 10, 3) | list', '[1, 4, 7]'],
    ['zip([1, 2], ["a", "b"]) | list', "[(1, 'a'), (2, 'b')]"],
    ['set([1, 1, 2]) | length', '2'],
    ["'it' 's'", 'its'],
    ['"a\\tb\\u0041"', 'a\tbA'],
    ['[1,2,3,4,5] | batch(2) | list', '[[1, 2], [3, 4], [5]]'],
  ])('%s is %s', (expression, expected) => {
    expect(jinja(`{{ ${expression} }}`)).toBe(expected);
  });
});

describe('statements', () => {
  test.each([
    [
      'a for with its loop, a filter and an else',
      '{% for x in [1,2,3,4] if x > 2 %}{{ loop.index }}:{{ x }}{{ "," if not loop.last }}{% else %}none{% endfor %}',
      '1:3,2:4',
    ],
    ['the else of a for over nothing', '{% for x in [] %}{{ x }}{% else %}none{% endfor %}', 'none'],
    [
      'pairs unpacked in a for',
      "{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}{{ v }}{% endfor %}",
      'a1b2',
    ],
    [
      'break and continue',
      '{% for x in range(9) %}{% if x == 1 %}{% continue %}{% endif %}{% if x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %}',
      '023',
    ],
    [
      'a set inside a for stays inside',
      '{% set n = 1 %}{% for x in [1,2] %}{% set n = n + x %}{% endfor %}{{ n }}',
      '1',
    ],
    [
      'a namespace does not',
      '{% set ns = namespace(n=1) %}{% for x in [1,2] %}{% set ns.n = ns.n + x %}{% endfor %}{{ ns.n }}',
      '4',
    ],
    ['a block set with a filter', '{% set t | upper %}a{{ 1 }}b{% endset %}{{ t }}', 'A1B'],
    [
      'do with mutation',
      '{% set l = [] %}{% do l.append(1) %}{% do l.extend([2, 3]) %}{% do l.insert(0, 0) %}{{ l.pop() }}{{ l }}',
      '3[0, 1, 2]',
    ],
    ['whitespace control', 'a  {%- if true -%}  b  {%- endif %}  c\n{{- 1 -}}  \n d', 'ab  c1d'],
    ['raw', '{% raw %}{{ x }}{% endraw %}', '{{ x }}'],
    ['comments', 'a{# {{ x }} #}b{#- c -#} d', 'abd'],
    ['a filter block', '{% filter upper %}a{{ "b" }}{% endfilter %}', 'AB'],
    ['with', '{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}', '3'],
    ['the last line break is dropped', 'a\n', 'a'],
    [
      'a macro with defaults and names',
      '{% macro m(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ m(1) }} {{ m(b=3, a=4) }}',
      '1-2 4-3',
    ],
    [
      'varargs and kwargs',
      '{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, k=3) }}',
      "1(2,){'k': 3}",
    ],
    [
      'spread arguments',
      '{% macro m(a, b, c) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(*[1, 2], **{"c": 3}) }}',
      '123',
    ],
    [
      'return gives a value and ends the macro',
      '{% macro m(x) %}a{{ return([x]) }}b{% endmacro %}{{ m(1)[0] + 1 }}',
      '2',
    ],
    [
      'call with a caller that takes arguments',
      '{% macro each(l) %}{% for i in l %}{{ caller(i) }}{% endfor %}{% endmacro %}{% call(x) each([1,2]) %}<{{ x }}>{% endcall %}',
      '<1><2>',
    ],
    [
      'recursion',
      '{% macro fib(n) %}{{ return(n if n < 2 else fib(n - 1) + fib(n - 2)) }}{% endmacro %}{{ fib(12) }}',
      '144',
    ],
    [
      'a recursive loop',
      '{% for x in [[1, [2]], [3]] recursive %}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}{% endif %}{% endfor %}',
      '(1(2))(3)',
    ],
    ['dicts in braces close before the tag does', "{{ {'a': {'b': 1}}['a']['b'] }}", '1'],
  ])('%s', (_name, template, expected) => {
    expect(jinja(template)).toBe(expected);
  });
});

describe('faults name the place and the way there', () => {
  test.each([
    ['select {{ 1 + }}', /expected an expression/, 1, 15],
    ['a\n{% if x %}\nb', /'if' has no end/, 2, 1],
    ['{{ "a }}', /no closing quote/, 1, 4],
    ['{% nope %}', /no tag 'nope'/, 1, 1],
    ['{% endfor %}', /closes nothing/, 1, 1],
    ['x\n  {{ missing() }}', /'missing' is undefined/, 2, 6],
    ['{{ missing.a }}', /'missing' is undefined/, 1, 11],
    ['{{ 1 / 0 }}', /division by zero/, 1, 6],
    ['{{ "a" + 1 }}', /'\+' does not work between str 'a' and int 1/, 1, 8],
    ['{{ x | nope }}', /no filter 'nope'/, 1, 6],
    ['{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}', /takes 1 arguments, not 2/, 1, 34],
    ['{{ [1 }}', /closes nothing/, 1, 7],
  ])('%s', (template, message, line, column) => {
    const found = fault(template, { x: 1 });
    expect(found.message).toMatch(message);
    expect(found.site).toMatchObject({ file: 'models/a.sql', line, column });
  });

  test('the macros that a fault passed through are told, innermost first', () => {
    const text =
      '{% macro inner() %}{{ 1 / 0 }}{% endmacro %}\n{% macro outer() %}{{ inner() }}{% endmacro %}\n{{ outer() }}';
    expect(fault(text).toError().message).toBe(
      'division by zero, through macro inner (called at models/a.sql:2:23), macro outer (called at models/a.sql:3:4) (models/a.sql:1:25). Correct the template at that place',
    );
  });

  test('a misspelt macro gets a suggestion', () => {
    expect(fault('{% macro cents(a) %}{% endmacro %}{{ cent(1) }}').fix).toBe("Did you mean 'cents'?");
  });

  test('endless recursion is a fault and no crash', () => {
    expect(fault('{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}').message).toContain('without end');
  });
});

test('queries in the middle of a template suspend it and are asked once each', async () => {
  const asked: string[] = [];
  let attempts = 0;
  const text = await renderWithQueries(
    (queries) => {
      attempts++;
      const names: Record<string, Value> = {
        ask: (args) => fromPlain(queries.query(str(args[0] ?? '')).rows[0]?.['n']),
      };
      const globals = { lenient: false, get: (name: string) => names[name], names: () => [] };
      return render(
        parseTemplate('{% set a = ask("one") %}{{ a }}{{ ask("after " ~ a) }}{{ ask("one") }}', 'a.sql'),
        new Scope(globals),
      );
    },
    {
      execute: (sql: string) => {
        asked.push(sql);
        return Promise.resolve({ columns: [], rows: [{ n: asked.length }], changed: 0 });
      },
    } as unknown as Session,
  );
  expect(text).toBe('123');
  expect(asked).toEqual(['one', 'after 1', 'one']);
  expect(attempts).toBe(4);
});

/**
 * dbt's cross-database macros. Each has an entry that dispatches, a version for any database, and one for DuckDB where
 * its SQL differs. Compiled SQL is compared with dbt's, so blanks at the edges are meant.
 */
/**
 * @param bodies by adapter; a body that begins or ends with a blank keeps it
 * @param defaults of parameters
 */
function macro(
  name: string,
  parameters: string,
  bodies: Record<string, string>,
  defaults: Record<string, string> = {},
): string {
  const declared = parameters
    .split(', ')
    .map((each) => (each in defaults ? `${each}=${defaults[each]}` : each))
    .join(', ');
  const entry = `
{% macro ${name}(${declared}) -%}
  {{ return(adapter.dispatch('${name}', 'dbt')(${parameters})) }}
{%- endmacro %}`;
  const versions = Object.entries(bodies).map(
    ([adapter, body]) => `{% macro ${adapter}__${name}(${parameters}) %}${body}{% endmacro %}`,
  );
  return [entry, ...versions].join('\n');
}

/** the type that a column class writes for dbt's name of it */
const TYPES: Record<string, string> = {
  string: "api.Column.translate_type('string')",
  timestamp: "api.Column.translate_type('timestamp')",
  float: "api.Column.translate_type('float')",
  numeric: "api.Column.numeric_type('numeric', 28, 6)",
  bigint: "api.Column.translate_type('bigint')",
  int: "api.Column.translate_type('integer')",
  boolean: "api.Column.translate_type('boolean')",
};

const WEEKS = String.raw`
  ({{ datediff(first_date, second_date, 'day') }} // 7 + case
    when date_part('dow', ({{ first_date }})::timestamp) <= date_part('dow', ({{ second_date }})::timestamp) then
      case when {{ first_date }} <= {{ second_date }} then 0 else -1 end
    else
      case when {{ first_date }} <= {{ second_date }} then 1 else 0 end
  end)
`;

const DATEADD = String.raw`
{% set unit = datepart | lower -%}
{%- set months_or_days = {'quarter': ' * 3) * interval 1 month', 'week': ' * 7) * interval 1 day'} -%}
({{ from_date_or_timestamp }} + {{ '(' if unit in months_or_days }}cast({{ interval }} as bigint)
{{- months_or_days.get(unit, ' * interval 1 ' ~ unit) }})`;

const LISTAGG = String.raw`
{%- if limit_num -%}
array_to_string(
  array_slice(
    array_agg(
      {{ measure }}
    ){% if order_by_clause %}within group ({{ order_by_clause }}){% endif %}
    ,0
    ,{{ limit_num }}
  ),
  {{ delimiter_text }}
)
{%- else %}
listagg(
  {{ measure }},
  {{ delimiter_text }}
)
{% if order_by_clause %}within group ({{ order_by_clause }}){% endif %}
{%- endif -%}
`;

const DUCKDB_LISTAGG = String.raw`
{%- if limit_num -%}
list_aggr(
  (array_agg(
    {{ measure }}
    {{ order_by_clause or '' }}
  ))[1:{{ limit_num }}],
  'string_agg',
  {{ delimiter_text }}
)
{%- else %}
string_agg(
  {{ measure }},
  {{ delimiter_text }}
  {{ order_by_clause or '' }}
)
{%- endif -%}
`;

const POWERS = String.raw`
{% if upper_bound <= 0 %}{{ exceptions.raise_compiler_error("upper bound must be positive") }}{% endif %}
{% for n in range(1, 100) if upper_bound <= 2 ** n %}{{ return(n) }}{% endfor %}
`;

const SERIES = String.raw`
{% set n = dbt.get_powers_of_two(upper_bound) %}
with p as (
  select 0 as generated_number union all select 1
), unioned as (
select
{% for i in range(n) %}
p{{ i }}.generated_number * power(2, {{ i }})
{% if not loop.last %} + {% endif %}
{% endfor %}
+ 1
as generated_number
from
{% for i in range(n) %}
p as p{{ i }}
{% if not loop.last %} cross join {% endif %}
{% endfor %}
)
select *
from unioned
where generated_number <= {{ upper_bound }}
order by generated_number
`;

const SPINE = String.raw`
with rawdata as (
  {{ dbt.generate_series(dbt.get_intervals_between(start_date, end_date, datepart)) }}
),
all_periods as (
  select (
    {{ dbt.dateadd(datepart, "row_number() over (order by 1) - 1", start_date) }}
  ) as date_{{ datepart }}
  from rawdata
),
filtered as (
  select *
  from all_periods
  where date_{{ datepart }} <= {{ end_date }}
)
select * from filtered
`;

const INTERVALS = String.raw`
{%- call statement('get_intervals_between', fetch_result=True) %}
  select {{ dbt.datediff(start_date, end_date, datepart) }}
{%- endcall -%}
{%- set found = load_result('get_intervals_between') -%}
{{ return(found['data'][0][0] if found and found['data'] else 1) }}
`;

const NULL_SAFE = String.raw`
{%- if adapter.behavior.enable_truthy_nulls_equals_macro.no_warn %}
  case when (({{ expr1 }} = {{ expr2 }}) or ({{ expr1 }} is null and {{ expr2 }} is null))
    then 0
    else 1
  end = 0
{%- else -%}
  ({{ expr1 }} = {{ expr2 }})
{%- endif %}
`;

const LAST_DAY = String.raw`
{% macro default_last_day(date, datepart) -%}
  cast(
    {{ dbt.dateadd('day', '-1', dbt.dateadd(datepart, '1', dbt.date_trunc(datepart, date))) }}
    as date)
{%- endmacro %}`;

const DUCKDB_LAST_DAY = String.raw`
{%- if datepart == 'quarter' -%}
  -- duckdb dateadd does not support quarter interval.
  cast(
    {{ dbt.dateadd('day', '-1', dbt.dateadd('month', '3', dbt.date_trunc(datepart, date))) }}
    as date)
{%- else -%}
  {{ dbt.default_last_day(date, datepart) }}
{%- endif -%}
`;

const SPLIT_FROM_END = String.raw`
{% macro _split_part_negative(string_text, delimiter_text, part_number) %}
  split_part(
    {{ string_text }},
    {{ delimiter_text }},
      length({{ string_text }})
      - length(
          replace({{ string_text }},  {{ delimiter_text }}, '')
      ) + 2 + {{ part_number }}
  )
{% endmacro %}`;

export const CROSS_DATABASE = [
  ...Object.entries(TYPES).map(([name, type]) =>
    macro(`type_${name}`, '', { default: `{{ return(${type}) }}` }),
  ),
  macro('any_value', 'expression', {
    default: 'any_value({{ expression }})',
    duckdb: 'arbitrary({{ expression }})',
  }),
  macro('array_append', 'array, new_element', { default: 'array_append({{ array }}, {{ new_element }})' }),
  macro('array_concat', 'array_1, array_2', { default: 'array_cat({{ array_1 }}, {{ array_2 }})' }),
  macro(
    'array_construct',
    'inputs, data_type',
    {
      default:
        "\n{% if inputs %}array[ {{ inputs|join(' , ') }} ]{% else %}array[]::{{ data_type }}[]{% endif %}\n",
    },
    { inputs: '[]', data_type: "api.Column.translate_type('integer')" },
  ),
  macro('bool_or', 'expression', { default: 'bool_or({{ expression }})' }),
  macro('cast', 'field, type', { default: '\ncast({{ field }} as {{ type }})\n' }),
  macro('cast_bool_to_text', 'field', {
    default: "\ncast({{ field }} as {{ api.Column.translate_type('string') }})\n",
  }),
  macro('concat', 'fields', { default: "{{ fields|join(' || ') }}" }),
  macro('date', 'year, month, day', {
    default: "to_date('{{ modules.datetime.date(year, month, day).strftime('%Y-%m-%d') }}', 'YYYY-MM-DD')",
    duckdb: 'make_date({{ year }}, {{ month }}, {{ day }})',
  }),
  macro('date_spine', 'datepart, start_date, end_date', { default: SPINE }),
  macro('date_trunc', 'datepart, date', { default: "date_trunc('{{ datepart }}', {{ date }})" }),
  macro('dateadd', 'datepart, interval, from_date_or_timestamp', {
    default: '\ndateadd(\n{{ datepart }},\n{{ interval }},\n{{ from_date_or_timestamp }}\n)\n',
    duckdb: DATEADD,
  }),
  macro('datediff', 'first_date, second_date, datepart', {
    default: 'datediff(\n{{ datepart }},\n{{ first_date }},\n{{ second_date }}\n)',
    duckdb: `{% if datepart == 'week' %}${WEEKS}{% else %}
  (date_diff('{{ datepart }}', {{ first_date }}::timestamp, {{ second_date }}::timestamp ))
{% endif %}`,
  }),
  macro('equals', 'expr1, expr2', { default: NULL_SAFE }),
  macro('escape_single_quotes', 'expression', { default: `{{ expression | replace("'", "''") }}` }),
  macro('except', '', { default: '\nexcept\n' }),
  macro('generate_series', 'upper_bound', {
    default: SERIES,
    duckdb: '\nselect\n  generate_series as generated_number\nfrom generate_series(1, {{ upper_bound }})\n',
  }),
  macro('get_intervals_between', 'start_date, end_date, datepart', { default: INTERVALS }),
  macro('get_powers_of_two', 'upper_bound', { default: POWERS }),
  macro('hash', 'field', { default: "md5(cast({{ field }} as {{ api.Column.translate_type('string') }}))" }),
  macro('intersect', '', { default: '\nintersect\n' }),
  macro('last_day', 'date, datepart', {
    default: '{{ dbt.default_last_day(date, datepart) }}',
    duckdb: DUCKDB_LAST_DAY,
  }),
  LAST_DAY,
  macro('length', 'expression', { default: '\nlength(\n{{ expression }}\n)' }),
  macro(
    'listagg',
    'measure, delimiter_text, order_by_clause, limit_num',
    { default: LISTAGG, duckdb: DUCKDB_LISTAGG },
    { delimiter_text: `"','"`, order_by_clause: 'none', limit_num: 'none' },
  ),
  macro('position', 'substring_text, string_text', {
    default: '\nposition(\n{{ substring_text }} in {{ string_text }}\n)',
  }),
  macro('replace', 'field, old_chars, new_chars', {
    default: '\nreplace(\n{{ field }},\n{{ old_chars }},\n{{ new_chars }}\n)\n',
  }),
  macro('right', 'string_text, length_expression', {
    default: '\nright(\n{{ string_text }},\n{{ length_expression }}\n)',
  }),
  macro('safe_cast', 'field, type', { default: '\ncast({{ field }} as {{ type }})\n' }),
  macro('split_part', 'string_text, delimiter_text, part_number', {
    default: '\nsplit_part(\n{{ string_text }},\n{{ delimiter_text }},\n{{ part_number }}\n)\n',
    duckdb: '\nstring_split({{ string_text }}, {{ delimiter_text }})[ {{ part_number }} ]\n',
  }),
  SPLIT_FROM_END,
  macro('string_literal', 'value', { default: "'{{ value }}'" }),
].join('\n');

/** dbt's cross-database macros: the versions of DuckDB, or the standard ones where those suit it. */
const simple = (name: string, parameters: string, body: string, adapter = 'default'): string => `
{% macro ${name}(${parameters}) -%}
  {{ return(adapter.dispatch('${name}', 'dbt')(${parameters
    .split(',')
    .map((each) => each.split('=')[0]?.trim() ?? '')
    .join(', ')})) }}
{%- endmacro %}
{% macro ${adapter}__${name}(${parameters}) -%}
  ${body}
{%- endmacro %}
`;

const TYPES: Record<string, string> = {
  string: 'TEXT',
  timestamp: 'TIMESTAMP',
  float: 'FLOAT',
  numeric: 'numeric(28,6)',
  bigint: 'BIGINT',
  int: 'INT',
  boolean: 'BOOLEAN',
};

export const CROSS_DATABASE = [
  ...Object.entries(TYPES).map(([name, type]) => simple(`type_${name}`, '', type)),
  simple('any_value', 'expression', 'any_value({{ expression }})'),
  simple('array_append', 'array, new_element', 'array_append({{ array }}, {{ new_element }})'),
  simple('array_concat', 'array_1, array_2', 'array_concat({{ array_1 }}, {{ array_2 }})'),
  simple(
    'array_construct',
    'inputs=[], data_type=api.Column.translate_type("integer")',
    "[ {{ inputs|join(' , ') }} ]",
  ),
  simple('bool_or', 'expression', 'bool_or({{ expression }})'),
  simple('cast', 'field, type', 'cast({{ field }} as {{ type }})'),
  simple('cast_bool_to_text', 'field', 'cast({{ field }} as {{ dbt.type_string() }})'),
  simple('concat', 'fields', "{{ fields|join(' || ') }}"),
  simple('current_timestamp', '', 'now()'),
  simple('date', 'year, month, day', "cast('{{ '%04d-%02d-%02d' % (year, month, day) }}' as date)"),
  simple('date_trunc', 'datepart, date', "date_trunc('{{ datepart }}', {{ date }})"),
  simple(
    'dateadd',
    'datepart, interval, from_date_or_timestamp',
    'date_add({{ from_date_or_timestamp }}, interval ({{ interval }}) {{ datepart }})',
  ),
  simple(
    'datediff',
    'first_date, second_date, datepart',
    `{% if datepart | lower == 'week' -%}
    date_diff('day', date_trunc('week', {{ first_date }}::timestamp), date_trunc('week', {{ second_date }}::timestamp)) // 7
  {%- else -%}
    date_diff('{{ datepart }}', {{ first_date }}::timestamp, {{ second_date }}::timestamp)
  {%- endif %}`,
  ),
  simple('escape_single_quotes', 'expression', `{{ expression | replace("'", "''") }}`),
  simple('except', '', 'except'),
  simple('intersect', '', 'intersect'),
  simple('equals', 'expr1, expr2', '{{ expr1 }} is not distinct from {{ expr2 }}'),
  simple('hash', 'field', 'md5(cast({{ field }} as {{ dbt.type_string() }}))'),
  simple(
    'last_day',
    'date, datepart',
    "cast({{ dbt.dateadd('day', '-1', dbt.dateadd(datepart, '1', dbt.date_trunc(datepart, date))) }} as date)",
  ),
  simple('length', 'expression', 'length({{ expression }})'),
  simple('position', 'substring_text, string_text', 'position({{ substring_text }} in {{ string_text }})'),
  simple('replace', 'field, old_chars, new_chars', 'replace({{ field }}, {{ old_chars }}, {{ new_chars }})'),
  simple('right', 'string_text, length_expression', 'right({{ string_text }}, {{ length_expression }})'),
  simple('safe_cast', 'field, type', 'try_cast({{ field }} as {{ type }})'),
  simple(
    'split_part',
    'string_text, delimiter_text, part_number',
    'string_split({{ string_text }}, {{ delimiter_text }})[ {{ part_number }} ]',
  ),
  simple('string_literal', 'value', "'{{ value }}'"),
  String.raw`
{% macro listagg(measure, delimiter_text="','", order_by_clause=none, limit_num=none) -%}
  {{ return(adapter.dispatch('listagg', 'dbt')(measure, delimiter_text, order_by_clause, limit_num)) }}
{%- endmacro %}

{% macro default__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
  {% if limit_num -%}
    list_aggr((array_agg({{ measure }} {{ order_by_clause or '' }}))[1:{{ limit_num }}], 'string_agg', {{ delimiter_text }})
  {%- else -%}
    string_agg({{ measure }}, {{ delimiter_text }} {{ order_by_clause or '' }})
  {%- endif %}
{%- endmacro %}

{% macro get_powers_of_two(upper_bound) %}
  {% if upper_bound <= 0 %}{{ exceptions.raise_compiler_error("upper bound must be positive") }}{% endif %}
  {% for n in range(1, 100) if upper_bound <= 2 ** n %}{% if loop.first %}{{ return(n) }}{% endif %}{% endfor %}
{% endmacro %}

{% macro generate_series(upper_bound) %}
  select range as generated_number from range(1, {{ upper_bound }} + 1) order by 1
{% endmacro %}

{% macro get_intervals_between(start_date, end_date, datepart) -%}
  {%- if not execute -%}{{ return(1) }}{%- endif -%}
  {%- set found = run_query('select ' ~ dbt.datediff(start_date, end_date, datepart)) -%}
  {{ return(found.columns[0].values()[0]) }}
{%- endmacro %}

{% macro date_spine(datepart, start_date, end_date) %}
  with rawdata as ({{ dbt.generate_series(dbt.get_intervals_between(start_date, end_date, datepart)) }}),
  all_periods as (
    select ({{ dbt.dateadd(datepart, '(row_number() over (order by 1) - 1)::integer', start_date) }}) as date_{{ datepart }}
    from rawdata
  )
  select * from all_periods where date_{{ datepart }} <= {{ end_date }}
{% endmacro %}
`,
].join('\n');

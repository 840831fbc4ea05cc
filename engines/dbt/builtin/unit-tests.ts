/** The SQL of unit tests: rows as selects, and what a model gave beside what it should have given. */
export const UNIT_TESTS = String.raw`
{# column_name_to_data_types by names in lower case; what a row does not say is null #}
{% macro get_fixture_sql(rows, column_name_to_data_types, column_name_to_quoted=none) -%}
  {%- set nulls = {} -%}
  {%- for name, type in column_name_to_data_types.items() -%}
    {%- do nulls.update({name: safe_cast('null', type) | trim}) -%}
  {%- endfor -%}
  {%- do validate_fixture_rows(rows, none) -%}
  {%- for row in rows -%}
    {%- set values = dict(nulls) -%}
    {%- do values.update(format_row(row, column_name_to_data_types)) -%}
    {{ unit_test_select(values, column_name_to_quoted) }}
    {%- if not loop.last %}
union all
{% endif -%}
  {%- else -%}
    {{ unit_test_select(nulls, column_name_to_quoted) }}
limit 0
  {%- endfor -%}
{%- endmacro %}

{% macro get_expected_sql(rows, column_name_to_data_types, column_name_to_quoted=none) -%}
  {%- for row in rows -%}
    {{ unit_test_select(format_row(row, column_name_to_data_types), column_name_to_quoted) }}
    {%- if not loop.last %}
union all
{% endif -%}
  {%- else -%}
    select * from dbt_internal_unit_test_actual
limit 0
  {%- endfor -%}
{%- endmacro %}

{% macro unit_test_select(values, quoted) -%}
select {% for name, value in values.items() %}{{ value }} as {{ (quoted or {}).get(name) or adapter.quote(name) }}{% if not loop.last %}, {% endif %}{% endfor %}
{%- endmacro %}

{# the values of a row as SQL, by names in lower case #}
{%- macro format_row(row, column_name_to_data_types) -%}
  {%- set formatted = {} -%}
  {%- for name, value in row.items() -%}
    {%- set type = column_name_to_data_types[name | lower] -%}
    {%- if value is string -%}
      {# a text must not be cut to the length that the adapter gives its columns #}
      {%- if 'varying' in type -%}{%- set type = type.split('(')[0] -%}{%- endif -%}
      {%- set literal = dbt.string_literal(dbt.escape_single_quotes(value)) -%}
    {%- else -%}
      {%- set literal = 'null' if value is none else value -%}
    {%- endif -%}
    {%- do formatted.update({name | lower: safe_cast(literal, type)}) -%}
  {%- endfor -%}
  {{ return(formatted) }}
{%- endmacro -%}

{%- macro validate_fixture_rows(rows, row_number) -%}
  {{ return(adapter.dispatch('validate_fixture_rows', 'dbt')(rows, row_number)) }}
{%- endmacro -%}

{# for adapters that can say more about a row #}
{%- macro default__validate_fixture_rows(rows, row_number) -%}
{%- endmacro -%}

{% macro get_unit_test_sql(main_sql, expected_fixture_sql, expected_column_names) -%}
  {{ adapter.dispatch('get_unit_test_sql', 'dbt')(main_sql, expected_fixture_sql, expected_column_names) }}
{%- endmacro %}

{% macro default__get_unit_test_sql(main_sql, expected_fixture_sql, expected_column_names) -%}
{%- set columns = expected_column_names | join(', ') -%}
{%- set side = adapter.quote('actual_or_expected') -%}
with dbt_internal_unit_test_actual as (
select {{ columns }}, {{ dbt.string_literal('actual') }} as {{ side }}
from (
{{ main_sql }}
) _dbt_internal_unit_test_actual
),
dbt_internal_unit_test_expected as (
select {{ columns }}, {{ dbt.string_literal('expected') }} as {{ side }}
from (
{{ expected_fixture_sql }}
) _dbt_internal_unit_test_expected
)
select * from dbt_internal_unit_test_actual
union all
select * from dbt_internal_unit_test_expected
{%- endmacro %}
`;

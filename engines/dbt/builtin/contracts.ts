/** A contract: columns and types are compared before a model is built, constraints are part of its table. */
export const CONTRACTS = String.raw`
{% macro contract_is_enforced() -%}
  {%- set contract = config.get('contract') -%}
  {{ return(contract is mapping and contract.get('enforced') | as_bool) }}
{%- endmacro %}

{% macro get_assert_columns_equivalent(sql) -%}
  {{ return(adapter.dispatch('get_assert_columns_equivalent', 'dbt')(sql)) }}
{%- endmacro %}
{% macro default__get_assert_columns_equivalent(sql) -%}
  {{ return(assert_columns_equivalent(sql)) }}
{%- endmacro %}

{% macro assert_columns_equivalent(sql) -%}
  {%- set promised = model['columns'] -%}
  {%- if not promised %}{% do exceptions.raise_contract_error([], []) %}{% endif -%}
  {%- set given = format_columns(get_column_schema_from_query(sql, config.get('sql_header'))) -%}
  {%- set wanted = format_columns(get_column_schema_from_query(get_empty_schema_sql(promised))) -%}
  {%- set by_name = {} -%}
  {%- for column in wanted %}{% do by_name.update({column['name']: column['formatted']}) %}{% endfor -%}
  {%- if given | length != wanted | length %}{% do exceptions.raise_contract_error(wanted, given) %}{% endif -%}
  {%- for column in given if by_name.get(column['name']) != column['formatted'] -%}
    {%- do exceptions.raise_contract_error(wanted, given) -%}
  {%- endfor -%}
{%- endmacro %}

{% macro format_columns(columns) -%}
  {%- set found = [] -%}
  {%- for column in columns %}{% do found.append(adapter.dispatch('format_column', 'dbt')(column)) %}{% endfor -%}
  {{ return(found) }}
{%- endmacro %}
{% macro default__format_column(column) -%}
  {{ return({'name': column.name, 'data_type': column.dtype, 'formatted': column.column | lower ~ ' ' ~ column.dtype}) }}
{%- endmacro %}

{% macro get_table_columns_and_constraints() -%}
  {{ return(adapter.dispatch('get_table_columns_and_constraints', 'dbt')()) }}
{%- endmacro %}
{% macro default__get_table_columns_and_constraints() -%}
  {{ return(table_columns_and_constraints()) }}
{%- endmacro %}
{% macro table_columns_and_constraints() -%}
  {%- set lines = adapter.render_raw_columns_constraints(raw_columns=model['columns'])
        + adapter.render_raw_model_constraints(raw_constraints=model['constraints'] or []) -%}
  (
    {{ lines | join(',\n    ') }}
  )
{%- endmacro %}

{% macro get_column_names() -%}
  (
  {%- for column in model['columns'].values() %}
    {{- adapter.quote(column['name']) if column.get('quote') else column['name'] }}{{ ', ' if not loop.last }}
  {%- endfor -%}
  )
{%- endmacro %}

{% macro get_select_subquery(sql) -%}
  {{ return(adapter.dispatch('get_select_subquery', 'dbt')(sql)) }}
{%- endmacro %}
{% macro default__get_select_subquery(sql) -%}
  select {{ get_column_names()[1:-1] }}
  from (
{{ sql }}
  ) as model_subq
{%- endmacro %}
`;

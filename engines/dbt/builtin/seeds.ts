/** How seeds get into a warehouse; adapters that read files themselves give a statement for it. */
export const SEEDS = String.raw`
{% macro get_truncate_seed_sql(relation) -%}
  {{ return(adapter.dispatch('get_truncate_seed_sql', 'dbt')(relation)) }}
{%- endmacro %}

{% macro default__get_truncate_seed_sql(relation) -%}
  truncate table {{ relation.render() }}
{%- endmacro %}

{% macro get_seed_file_load_sql(relation, path, delimiter) -%}
  {{ return(adapter.dispatch('get_seed_file_load_sql', 'dbt')(relation, path, delimiter)) }}
{%- endmacro %}

{# an empty text: rows are inserted by value #}
{% macro default__get_seed_file_load_sql(relation, path, delimiter) -%}
{%- endmacro %}

{% macro duckdb__get_seed_file_load_sql(relation, path, delimiter) -%}
  COPY {{ relation.render() }} FROM '{{ path | replace("'", "''") }}' (FORMAT CSV, HEADER TRUE, DELIMITER '{{ delimiter | replace("'", "''") }}')
{%- endmacro %}
`;

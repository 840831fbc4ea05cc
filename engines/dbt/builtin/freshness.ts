/** How old a table is by the warehouse's own account, for adapters that keep one. */
export const FRESHNESS = String.raw`
{% macro get_relation_last_modified(information_schema, relations) -%}
  {{ return(adapter.dispatch('get_relation_last_modified', 'dbt')(information_schema, relations)) }}
{%- endmacro %}

{% macro default__get_relation_last_modified(information_schema, relations) -%}
  {%- do exceptions.raise_compiler_error(
    "The freshness of " ~ relations[0] ~ " cannot be told: it has no loaded_at_field, and " ~ adapter.type() ~ " does not say when a table was changed") -%}
{%- endmacro %}

{# the answer of get_relation_last_modified in the form of collect_freshness #}
{% macro collect_freshness_metadata(source) -%}
  {%- set found = get_relation_last_modified(source.information_schema(), [source]) -%}
  {%- set rows = [] -%}
  {%- for row in found.table.rows -%}
    {%- set by_name = {} -%}
    {%- for name in found.table.column_names -%}{%- do by_name.update({name | lower: row[name]}) -%}{%- endfor -%}
    {%- do rows.append((by_name['last_modified'], by_name['snapshotted_at'])) -%}
  {%- endfor -%}
  {{ return({'data': rows}) }}
{%- endmacro %}
`;

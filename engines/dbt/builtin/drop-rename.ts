/** Dropping and renaming relations. */
const dropOf = (name: string, type: string): string => `
{% macro ${name}(relation) -%}
  {{- adapter.dispatch('${name}', 'dbt')(relation) -}}
{%- endmacro %}
{% macro default__${name}(relation) -%}
  drop ${type} if exists {{ relation.render() }} cascade
{%- endmacro %}`;

const renameOf = (type: string): string => `
{% macro get_rename_${type}_sql(relation, new_name) %}
  {{- adapter.dispatch('get_rename_${type}_sql', 'dbt')(relation, new_name) -}}
{% endmacro %}
{% macro default__get_rename_${type}_sql(relation, new_name) %}
  alter ${type.replace('_', ' ')} {{ relation.render() }} rename to {{ adapter.quote(new_name) }}
{% endmacro %}`;

export const DROP_RENAME = [
  dropOf('drop_table', 'table'),
  dropOf('drop_view', 'view'),
  dropOf('drop_materialized_view', 'materialized view'),
  ...['table', 'view', 'materialized_view'].map(renameOf),
  String.raw`
{%- macro get_drop_sql(relation) -%}
  {{- adapter.dispatch('get_drop_sql', 'dbt')(relation) -}}
{%- endmacro -%}
{%- macro default__get_drop_sql(relation) -%}
  {%- if relation.is_view -%}
    {{ drop_view(relation) }}
  {%- elif relation.is_table -%}
    {{ drop_table(relation) }}
  {%- elif relation.is_materialized_view -%}
    {{ drop_materialized_view(relation) }}
  {%- else -%}
    drop {{ relation.type }} if exists {{ relation.render() }} cascade
  {%- endif -%}
{%- endmacro -%}
{% macro drop_relation(relation) -%}
  {{ return(adapter.dispatch('drop_relation', 'dbt')(relation)) }}
{% endmacro %}
{% macro default__drop_relation(relation) -%}
  {% call statement('drop_relation', auto_begin=False) -%}
    {{ get_drop_sql(relation) }}
  {%- endcall %}
{% endmacro %}

{%- macro get_rename_sql(relation, new_name) -%}
  {{- adapter.dispatch('get_rename_sql', 'dbt')(relation, new_name) -}}
{%- endmacro -%}
{%- macro default__get_rename_sql(relation, new_name) -%}
  {%- if relation.is_view -%}
    {{ get_rename_view_sql(relation, new_name) }}
  {%- elif relation.is_table -%}
    {{ get_rename_table_sql(relation, new_name) }}
  {%- elif relation.is_materialized_view -%}
    {{ get_rename_materialized_view_sql(relation, new_name) }}
  {%- else -%}
    {{- exceptions.raise_compiler_error("A relation of type " ~ relation.type ~ " cannot be renamed: " ~ relation) -}}
  {%- endif -%}
{%- endmacro -%}
{% macro rename_relation(from_relation, to_relation) -%}
  {{ return(adapter.dispatch('rename_relation', 'dbt')(from_relation, to_relation)) }}
{% endmacro %}
{% macro default__rename_relation(from_relation, to_relation) -%}
  {% set name = adapter.quote_as_configured(to_relation.identifier, 'identifier') %}
  {% call statement('rename_relation') -%}
    alter table {{ from_relation.render() }} rename to {{ name }}
  {%- endcall %}
{% endmacro %}
{% macro duckdb__rename_relation(from_relation, to_relation) -%}
  {% set name = adapter.quote_as_configured(to_relation.identifier, 'identifier') %}
  {% call statement('rename_relation') -%}
    alter {{ to_relation.type }} {{ from_relation }} rename to {{ name }}
  {%- endcall %}
{% endmacro %}
`,
].join('\n');

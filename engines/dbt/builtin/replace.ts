/** One relation in the place of another, step by step: what materializations of projects and packages are made from. */
const dispatched = (name: string, parameters: string, body: string): string => `
{% macro ${name}(${parameters}) %}
  {{- adapter.dispatch('${name}', 'dbt')(${parameters}) -}}
{% endmacro %}
{% macro default__${name}(${parameters}) %}
${body}
{% endmacro %}`;

const unknown = (name: string, parameters: string): string =>
  dispatched(
    name,
    parameters,
    `{{ exceptions.raise_compiler_error("${name} means nothing on " ~ target.type ~ "; define " ~ target.type ~ "__${name}") }}`,
  );

export const REPLACE = [
  dispatched(
    'get_create_intermediate_sql',
    'relation, sql',
    String.raw`{%- set intermediate = make_intermediate_relation(relation) -%}
    {{ get_drop_sql(intermediate) }};
    {{ get_create_sql(intermediate, sql) }}`,
  ),
  dispatched(
    'get_rename_intermediate_sql',
    'relation',
    '{{ get_rename_sql(make_intermediate_relation(relation), relation.identifier) }}',
  ),
  dispatched(
    'get_create_backup_sql',
    'relation',
    String.raw`{%- set backup = make_backup_relation(relation, relation.type) -%}
    {{ get_drop_sql(backup) }};
    {{ get_rename_sql(relation, backup.identifier) }}`,
  ),
  dispatched(
    'get_drop_backup_sql',
    'relation',
    '{{ get_drop_sql(make_backup_relation(relation, relation.type)) }}',
  ),
  unknown('get_replace_view_sql', 'relation, sql'),
  unknown('get_replace_table_sql', 'relation, sql'),
  unknown('get_replace_materialized_view_sql', 'relation, sql'),
  unknown('get_drop_index_sql', 'relation, index_name'),
  unknown('get_show_indexes_sql', 'relation'),
  String.raw`
{% macro snowflake__get_replace_view_sql(relation, sql) %}
  {{- create_view_as(relation, sql) -}}
{% endmacro %}
{% macro snowflake__get_replace_table_sql(relation, sql) %}
  {{- create_table_as(False, relation, sql) -}}
{% endmacro %}
`,
  dispatched(
    'get_replace_sql',
    'existing_relation, target_relation, sql',
    String.raw`{%- if existing_relation.type == target_relation.type and existing_relation.can_be_replaced -%}
    {%- if existing_relation.is_view -%}
      {{ get_replace_view_sql(target_relation, sql) }}
    {%- elif existing_relation.is_materialized_view -%}
      {{ get_replace_materialized_view_sql(target_relation, sql) }}
    {%- else -%}
      {{ get_replace_table_sql(target_relation, sql) }}
    {%- endif -%}
  {%- else -%}
    {%- set aside = existing_relation.can_be_renamed -%}
    {%- set beside = target_relation.can_be_renamed -%}
    {%- if beside -%}{{ get_create_intermediate_sql(target_relation, sql) }};{%- endif %}
    {{ get_create_backup_sql(existing_relation) if aside else get_drop_sql(existing_relation) }};
    {{ get_rename_intermediate_sql(target_relation) if beside else get_create_sql(target_relation, sql) }}
    {%- if aside -%};
    {{ get_drop_backup_sql(existing_relation) }}
    {%- endif -%}
  {%- endif -%}`,
  ),
  dispatched(
    'handle_existing_table',
    'full_refresh, old_relation',
    '{% do adapter.drop_relation(old_relation) %}',
  ),
  String.raw`
{% macro create_or_replace_view() %}
  {%- set target_relation = this.incorporate(type='view') -%}
  {%- set old_relation = load_cached_relation(this) -%}
  {{ run_hooks(pre_hooks) }}
  {%- if old_relation is not none and old_relation.is_table -%}
    {{ handle_existing_table(should_full_refresh(), old_relation) }}
  {%- endif -%}
  {% call statement('main') -%}
    {{ get_create_view_as_sql(target_relation, sql) }}
  {%- endcall %}
  {%- set was_view = old_relation is not none and old_relation.is_view -%}
  {% do apply_grants(target_relation, config.get('grants'), should_revoke=should_revoke(was_view, full_refresh_mode=True)) %}
  {{ run_hooks(post_hooks) }}
  {{ return({'relations': [target_relation]}) }}
{% endmacro %}
`,
].join('\n');

/**
 * What is different on Snowflake, by dbt's macro names: tables and views. `create or replace` is atomic and may be
 * repeated; statements that change rows are made atomic by the session that runs them.
 */
export const SNOWFLAKE = String.raw`
{% macro snowflake__create_table_as(temporary, relation, sql, language='sql') -%}
  {%- set promised = contract_is_enforced() -%}
  {%- if promised -%}{{ get_assert_columns_equivalent(sql) }}{%- endif -%}
  {%- set keys = snowflake_cluster_keys() if not temporary else none -%}
  {%- set kind = 'temporary ' if temporary else 'transient ' if config.get('transient', default=true) else '' -%}
  {{ sql_header_line() -}}
  create or replace {{ kind }}table {{ relation }}
  {%- if promised and not temporary %}
  {{ get_table_columns_and_constraints() }}
  {%- endif %}
  {%- if keys %} cluster by ({{ keys }}){% endif %}
  {%- if copy_grants() and not temporary %} copy grants{% endif %} as (
    {%- if keys %}
    select * from (
    {%- endif %}
{{ get_select_subquery(sql) if promised and not temporary else sql }}
    {%- if keys %}
    ) order by ({{ keys }})
    {%- endif %}
);
  {%- if keys and config.get('automatic_clustering', default=false) %}
  alter table {{ relation }} resume recluster;
  {%- endif %}
{%- endmacro %}

{% macro snowflake_cluster_keys() -%}
  {%- set keys = config.get('cluster_by') -%}
  {{ return(keys if not keys or keys is string else keys | join(', ')) }}
{%- endmacro %}

{% macro snowflake__create_view_as(relation, sql) -%}
  {%- if contract_is_enforced() -%}{{ get_assert_columns_equivalent(sql) }}{%- endif -%}
  {{ sql_header_line() -}}
  create or replace {{ 'secure ' if config.get('secure', default=false) }}view {{ relation }}
  {%- if config.persist_column_docs() and model.columns %}
  {{ get_persist_docs_column_list(model.columns, get_columns_in_query(sql)) }}
  {%- endif %}
  {%- if copy_grants() %} copy grants{% endif %} as (
{{ sql }}
);
{%- endmacro %}

{% macro get_persist_docs_column_list(model_columns, query_columns) -%}
  (
  {%- for name in query_columns -%}
    {%- set known = model_columns.get(name) or model_columns.get(name | lower) -%}
    {{ adapter.quote(name) }}{% if known and known.description %} comment {{ snowflake_comment(known.description) }}{% endif %}
    {{- ', ' if not loop.last }}
  {%- endfor -%}
  )
{%- endmacro %}

{#- a materialized view with joins and groups is a dynamic table here -#}
{% macro snowflake__get_create_materialized_view_as_sql(relation, sql) -%}
  {{ return(snowflake__get_create_dynamic_table_as_sql(relation, sql)) }}
{%- endmacro %}
{% macro snowflake__get_create_dynamic_table_as_sql(relation, sql) -%}
  {%- set warehouse = config.get('snowflake_warehouse') or target.warehouse -%}
  {%- set lag = config.get('target_lag') -%}
  {%- if not lag -%}
    {{ exceptions.raise_compiler_error("A dynamic table needs 'target_lag', e.g. '1 hour' or 'downstream'") }}
  {%- endif -%}
  {%- if not warehouse -%}
    {{ exceptions.raise_compiler_error("A dynamic table needs 'snowflake_warehouse': the virtual warehouse that refreshes it") }}
  {%- endif -%}
  create or replace {{ 'transient ' if config.get('transient', default=false) }}dynamic table {{ relation }}
    target_lag = {{ lag if lag | lower == 'downstream' else "'" ~ lag ~ "'" }}
    warehouse = {{ warehouse }}
    refresh_mode = {{ config.get('refresh_mode') or 'AUTO' }}
    initialize = {{ config.get('initialize') or 'ON_CREATE' }}
    {%- if snowflake_cluster_keys() %}
    cluster by ({{ snowflake_cluster_keys() }})
    {%- endif %}
    as (
{{ sql }}
);
{%- endmacro %}
{% macro snowflake__refresh_materialized_view(relation) -%}
  alter dynamic table {{ relation }} refresh
{%- endmacro %}

{% macro snowflake__copy_relation(from_relation, to_relation) -%}
  create or replace transient table {{ to_relation }} clone {{ from_relation }}
{%- endmacro %}
{% macro snowflake__can_clone_table() %}{{ return(True) }}{% endmacro %}
{% macro snowflake__create_or_replace_clone(this_relation, defer_relation) -%}
  create or replace {{ 'transient ' if config.get('transient', default=true) }}table {{ this_relation }} clone {{ defer_relation }}
  {{- ' copy grants' if copy_grants() }}
{%- endmacro %}

{#- incremental models -#}
{% macro snowflake__get_incremental_default_sql(arg_dict) %}
  {{ return(get_incremental_merge_sql(arg_dict)) }}
{% endmacro %}
{% macro snowflake__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=none) -%}
  {#- nothing can match without a key: rows are only added -#}
  {%- if not unique_key %}{{ return(get_insert_into_sql(target, source, dest_columns)) }}{% endif -%}
  {{ return(default__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates)) }}
{%- endmacro %}
{% macro snowflake__get_incremental_insert_overwrite_sql(arg_dict) -%}
  {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) -%}
  {%- set only = config.get('overwrite_columns') -%}
  {%- set columns = get_quoted_csv(only) if only else columns -%}
  insert overwrite into {{ arg_dict['target_relation'] }} ({{ columns }})
  select {{ columns }} from {{ arg_dict['temp_relation'] }}
{%- endmacro %}

{#- changing what is there -#}
{% macro snowflake__alter_column_type(relation, column_name, new_column_type) -%}
  {% do run_query('alter table ' ~ relation ~ ' alter ' ~ adapter.quote(column_name) ~ ' set data type ' ~ new_column_type) %}
{%- endmacro %}
{% macro snowflake__alter_relation_add_remove_columns(relation, add_columns, remove_columns) %}
  {%- set added = [] -%}
  {%- for column in add_columns or [] %}{% do added.append(column.quoted ~ ' ' ~ column.data_type) %}{% endfor -%}
  {%- set removed = [] -%}
  {%- for column in remove_columns or [] %}{% do removed.append(column.quoted) %}{% endfor -%}
  {%- set kind = 'dynamic table' if relation.is_dynamic_table else relation.type -%}
  {%- if added %}{% do run_query('alter ' ~ kind ~ ' ' ~ relation ~ ' add column ' ~ added | join(', ')) %}{% endif -%}
  {%- if removed %}{% do run_query('alter ' ~ kind ~ ' ' ~ relation ~ ' drop column ' ~ removed | join(', ')) %}{% endif -%}
{% endmacro %}
{% macro snowflake__truncate_relation(relation) -%}
  {%- set truncate -%}truncate table {{ relation }}{%- endset -%}
  {% call statement('truncate_relation') %}{{ truncate }}{% endcall %}
{%- endmacro %}

{#- grants and comments -#}
{% macro snowflake__copy_grants() %}{{ return(config.get('copy_grants', False)) }}{% endmacro %}
{% macro snowflake__support_multiple_grantees_per_dcl_statement() %}{{ return(False) }}{% endmacro %}
{% macro snowflake__get_grant_sql(relation, privilege, grantees) -%}
  grant {{ privilege }} on {{ snowflake_kind(relation) }} {{ relation }} to {{ grantees | join(', ') }}
{%- endmacro %}
{% macro snowflake__get_revoke_sql(relation, privilege, grantees) -%}
  revoke {{ privilege }} on {{ snowflake_kind(relation) }} {{ relation }} from {{ grantees | join(', ') }}
{%- endmacro %}
{% macro snowflake__get_show_grant_sql(relation) -%}
  show grants on {{ snowflake_kind(relation) }} {{ relation }}
{%- endmacro %}
{% macro snowflake_kind(relation) -%}
  {{ return({'materialized_view': 'dynamic table', 'external': 'external table'}.get(relation.type, relation.type or 'table')) }}
{%- endmacro %}
{% macro snowflake__alter_relation_comment(relation, relation_comment) -%}
  comment on {{ snowflake_kind(relation) }} {{ relation }} is {{ snowflake_comment(relation_comment) }};
{%- endmacro %}
{% macro snowflake__alter_column_comment(relation, column_dict) -%}
  {#- a view's comments are part of its text -#}
  {%- if relation.type != 'view' -%}
  {%- set there = adapter.get_columns_in_relation(relation) -%}
  {%- set comments = [] -%}
  {%- for column in there -%}
    {%- set known = column_dict.get(column.name) or column_dict.get(column.name | lower) -%}
    {%- if known -%}{%- do comments.append(column.quoted ~ ' comment ' ~ snowflake_comment(known.description)) -%}{%- endif -%}
  {%- endfor -%}
  {%- if comments -%}
  alter {{ snowflake_kind(relation) }} {{ relation }} alter {{ comments | join(', ') }};
  {%- endif -%}
  {%- endif -%}
{%- endmacro %}
{% macro snowflake_comment(text) -%}
  {{ return("'" ~ text | replace('\\', '\\\\') | replace("'", "''") ~ "'") }}
{%- endmacro %}

{#- query tags: a whole session's, for macros of projects that set one -#}
{% macro set_query_tag() -%}{{ return(adapter.dispatch('set_query_tag', 'dbt')()) }}{%- endmacro %}
{% macro default__set_query_tag() -%}{{ return(none) }}{%- endmacro %}
{% macro snowflake__set_query_tag() -%}
  {%- set tag = config.get('query_tag') -%}
  {%- if tag -%}
    {%- do run_query("alter session set query_tag = " ~ snowflake_comment(tag)) -%}
    {{ return('') }}
  {%- endif -%}
  {{ return(none) }}
{%- endmacro %}
{% macro unset_query_tag(original_query_tag) -%}
  {{ return(adapter.dispatch('unset_query_tag', 'dbt')(original_query_tag)) }}
{%- endmacro %}
{% macro default__unset_query_tag(original_query_tag) -%}{%- endmacro %}
{% macro snowflake__unset_query_tag(original_query_tag) -%}
  {%- if original_query_tag is not none %}{% do run_query('alter session unset query_tag') %}{% endif -%}
{%- endmacro %}

{#- how old a table is, by the account's own word -#}
{% macro snowflake__get_relation_last_modified(information_schema, relations) -%}
  {%- call statement('last_modified', fetch_result=True) -%}
    select table_schema as schema, table_name as identifier, last_altered as last_modified,
      {{ current_timestamp() }} as snapshotted_at
    from {{ information_schema }}.tables
    where {% for relation in relations -%}
      (upper(table_schema) = upper('{{ relation.schema }}') and upper(table_name) = upper('{{ relation.identifier }}'))
      {{- ' or ' if not loop.last }}
    {%- endfor %}
  {%- endcall -%}
  {{ return(load_result('last_modified')) }}
{%- endmacro %}
`;

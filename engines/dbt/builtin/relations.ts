/**
 * How a query becomes a relation. The texts replace what is there where the warehouse can do so in one statement
 * (`create or replace`); a version of a project that does not is built aside and swapped in.
 */
export const RELATIONS = String.raw`
{% macro get_create_table_as_sql(temporary, relation, sql) -%}
  {{ return(adapter.dispatch('get_create_table_as_sql', 'dbt')(temporary, relation, sql)) }}
{%- endmacro %}
{% macro default__get_create_table_as_sql(temporary, relation, sql) -%}
  {{ return(create_table_as(temporary, relation, sql)) }}
{%- endmacro %}

{% macro create_table_as(temporary, relation, compiled_code, language='sql') -%}
  {{ return(adapter.dispatch('create_table_as', 'dbt')(temporary, relation, compiled_code, language)) }}
{%- endmacro %}

{% macro default__create_table_as(temporary, relation, compiled_code, language='sql') -%}
  {%- set promised = contract_is_enforced() -%}
  {%- if promised -%}{{ get_assert_columns_equivalent(compiled_code) }}{%- endif -%}
  {{ sql_header_line() -}}
  create or replace {{ 'temporary ' if temporary }}table {{ relation.include(database=not temporary, schema=not temporary) }}
  {%- if promised and not temporary %}
  {{ get_table_columns_and_constraints() }};
  insert into {{ relation }} {{ get_column_names() }} (
{{ get_select_subquery(compiled_code) }}
  )
  {%- else %} as (
{{ compiled_code }}
)
  {%- endif %};
{%- endmacro %}

{% macro get_create_view_as_sql(relation, sql) -%}
  {{ return(adapter.dispatch('get_create_view_as_sql', 'dbt')(relation, sql)) }}
{%- endmacro %}
{% macro default__get_create_view_as_sql(relation, sql) -%}
  {{ return(create_view_as(relation, sql)) }}
{%- endmacro %}

{% macro create_view_as(relation, sql) -%}
  {{ return(adapter.dispatch('create_view_as', 'dbt')(relation, sql)) }}
{%- endmacro %}

{% macro default__create_view_as(relation, sql) -%}
  {%- if contract_is_enforced() -%}{{ get_assert_columns_equivalent(sql) }}{%- endif -%}
  {{ sql_header_line() -}}
  create or replace view {{ relation }} as (
{{ sql }}
);
{%- endmacro %}

{% macro get_create_materialized_view_as_sql(relation, sql) -%}
  {{ return(adapter.dispatch('get_create_materialized_view_as_sql', 'dbt')(relation, sql)) }}
{%- endmacro %}
{% macro default__get_create_materialized_view_as_sql(relation, sql) -%}
  {{ exceptions.raise_compiler_error("materialized views are not there on " ~ adapter.type()) }}
{%- endmacro %}
{% macro refresh_materialized_view(relation) -%}
  {{ return(adapter.dispatch('refresh_materialized_view', 'dbt')(relation)) }}
{%- endmacro %}
{% macro default__refresh_materialized_view(relation) -%}
  {{ exceptions.raise_compiler_error("materialized views are not there on " ~ adapter.type()) }}
{%- endmacro %}

{% macro sql_header_line() -%}
  {%- set header = config.get('sql_header') -%}
  {%- if header %}{{ header }}{{ '\n' }}{% endif -%}
{%- endmacro %}
{#- an audited model that goes on with its former rows starts from a copy of them -#}
{% macro copy_relation(from_relation, to_relation) -%}
  {{ return(adapter.dispatch('copy_relation', 'dbt')(from_relation, to_relation)) }}
{%- endmacro %}
{% macro default__copy_relation(from_relation, to_relation) -%}
  create or replace table {{ to_relation }} as select * from {{ from_relation }}
{%- endmacro %}

{% macro get_create_sql(relation, sql) -%}
  {{ return(adapter.dispatch('get_create_sql', 'dbt')(relation, sql)) }}
{%- endmacro %}
{% macro default__get_create_sql(relation, sql) -%}
  {%- if relation.is_view -%}{{ return(get_create_view_as_sql(relation, sql)) }}
  {%- elif relation.is_table -%}{{ return(get_create_table_as_sql(False, relation, sql)) }}
  {%- else -%}{{ return(get_create_materialized_view_as_sql(relation, sql)) }}
  {%- endif -%}
{%- endmacro %}

{% macro should_full_refresh() %}
  {%- set own = config.get('full_refresh') -%}
  {{ return(flags.FULL_REFRESH if own is none else own) }}
{% endmacro %}

{% macro should_store_result() %}{{ return(true) }}{% endmacro %}

{% macro copy_grants() %}{{ return(adapter.dispatch('copy_grants', 'dbt')()) }}{% endmacro %}
{% macro default__copy_grants() %}{{ return(True) }}{% endmacro %}
{% macro support_multiple_grantees_per_dcl_statement() %}
  {{ return(adapter.dispatch('support_multiple_grantees_per_dcl_statement', 'dbt')()) }}
{% endmacro %}
{% macro default__support_multiple_grantees_per_dcl_statement() %}{{ return(True) }}{% endmacro %}

{% macro should_revoke(existing_relation, full_refresh_mode=True) %}
  {#- a relation that is made anew carries only grants which the warehouse copies -#}
  {{ return(existing_relation is not none and (not full_refresh_mode or copy_grants())) }}
{% endmacro %}

{% macro get_show_grant_sql(relation) %}
  {{ return(adapter.dispatch('get_show_grant_sql', 'dbt')(relation)) }}
{% endmacro %}
{% macro default__get_show_grant_sql(relation) %}show grants on {{ relation.render() }}{% endmacro %}
{% macro get_grant_sql(relation, privilege, grantees) %}
  {{ return(adapter.dispatch('get_grant_sql', 'dbt')(relation, privilege, grantees)) }}
{% endmacro %}
{% macro default__get_grant_sql(relation, privilege, grantees) -%}
  grant {{ privilege }} on {{ relation.render() }} to {{ grantees | join(', ') }}
{%- endmacro %}
{% macro get_revoke_sql(relation, privilege, grantees) %}
  {{ return(adapter.dispatch('get_revoke_sql', 'dbt')(relation, privilege, grantees)) }}
{% endmacro %}
{% macro default__get_revoke_sql(relation, privilege, grantees) -%}
  revoke {{ privilege }} on {{ relation.render() }} from {{ grantees | join(', ') }}
{%- endmacro %}
{% macro get_dcl_statement_list(relation, grant_config, get_dcl_macro) %}
  {{ return(adapter.dispatch('get_dcl_statement_list', 'dbt')(relation, grant_config, get_dcl_macro)) }}
{% endmacro %}
{% macro default__get_dcl_statement_list(relation, grant_config, get_dcl_macro) %}
  {%- set statements = [] -%}
  {%- for privilege, grantees in grant_config.items() if grantees -%}
    {%- for some in ([grantees] if support_multiple_grantees_per_dcl_statement() else grantees | batch(1)) -%}
      {%- do statements.append(get_dcl_macro(relation, privilege, some)) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{ return(statements) }}
{% endmacro %}
{% macro call_dcl_statements(dcl_statement_list) %}
  {{ return(adapter.dispatch('call_dcl_statements', 'dbt')(dcl_statement_list)) }}
{% endmacro %}
{% macro default__call_dcl_statements(dcl_statement_list) %}
  {%- if dcl_statement_list %}{% do run_query(dcl_statement_list | join(';\n')) %}{% endif -%}
{% endmacro %}
{% macro apply_grants(relation, grant_config, should_revoke) %}
  {{ return(adapter.dispatch('apply_grants', 'dbt')(relation, grant_config, should_revoke)) }}
{% endmacro %}
{% macro default__apply_grants(relation, grant_config, should_revoke=True) %}
  {%- if grant_config -%}
    {%- set wanted = grant_config -%}
    {%- set unwanted = {} -%}
    {%- if should_revoke -%}
      {%- set current = adapter.standardize_grants_dict(run_query(get_show_grant_sql(relation))) -%}
      {%- set wanted = diff_of_two_dicts(grant_config, current) -%}
      {%- set unwanted = diff_of_two_dicts(current, grant_config) -%}
    {%- endif -%}
    {%- do call_dcl_statements(get_dcl_statement_list(relation, unwanted, get_revoke_sql)
         + get_dcl_statement_list(relation, wanted, get_grant_sql)) -%}
  {%- endif -%}
{% endmacro %}
{% macro duckdb__apply_grants(relation, grant_config, should_revoke=True) %}
  {%- if grant_config %}{% do log('DuckDB has no grants: they are left out for ' ~ relation) %}{% endif -%}
{% endmacro %}

{% macro persist_docs(relation, model, for_relation=true, for_columns=true) -%}
  {{ return(adapter.dispatch('persist_docs', 'dbt')(relation, model, for_relation, for_columns)) }}
{%- endmacro %}
{% macro persist_own_docs(relation) -%}{{ persist_docs(relation, model) }}{%- endmacro %}
{% macro default__persist_docs(relation, model, for_relation, for_columns) -%}
  {%- if for_relation and config.persist_relation_docs() and model.description -%}
    {%- do run_query(alter_relation_comment(relation, model.description)) -%}
  {%- endif -%}
  {%- if for_columns and config.persist_column_docs() and model.columns -%}
    {%- set comments = alter_column_comment(relation, model.columns) | string -%}
    {%- if comments | trim %}{% do run_query(comments) %}{% endif -%}
  {%- endif -%}
{%- endmacro %}
{% macro alter_relation_comment(relation, relation_comment) -%}
  {{ return(adapter.dispatch('alter_relation_comment', 'dbt')(relation, relation_comment)) }}
{%- endmacro %}
{% macro default__alter_relation_comment(relation, relation_comment) -%}
  comment on {{ relation.type }} {{ relation }} is {{ comment_text(relation_comment) }};
{%- endmacro %}
{% macro alter_column_comment(relation, column_dict) -%}
  {{ return(adapter.dispatch('alter_column_comment', 'dbt')(relation, column_dict)) }}
{%- endmacro %}
{% macro default__alter_column_comment(relation, column_dict) -%}
  {%- set there = adapter.get_columns_in_relation(relation) | map(attribute='name') | list -%}
  {%- for name, column in column_dict.items() if name in there %}
  comment on column {{ relation }}.{{ adapter.quote(name) if column.quote else name }} is {{ comment_text(column.description) }};
  {%- endfor -%}
{%- endmacro %}
{% macro comment_text(comment) -%}
  '{{ comment | replace("'", "''") }}'
{%- endmacro %}

{% macro create_indexes(relation) -%}
  {{ return(adapter.dispatch('create_indexes', 'dbt')(relation)) }}
{%- endmacro %}
{% macro default__create_indexes(relation) -%}
  {%- for each in config.get('indexes', default=[]) -%}
    {%- set statement = get_create_index_sql(relation, each) -%}
    {%- if statement %}{% do run_query(statement) %}{% endif -%}
  {%- endfor -%}
{%- endmacro %}
{% macro get_create_index_sql(relation, index_dict) -%}
  {{ return(adapter.dispatch('get_create_index_sql', 'dbt')(relation, index_dict)) }}
{%- endmacro %}
{% macro default__get_create_index_sql(relation, index_dict) -%}
  {%- set unique = 'unique ' if index_dict.unique -%}
  {%- set columns = index_dict.columns | join(', ') -%}
  {%- set name = local_md5(relation ~ columns ~ unique ~ index_dict.type) -%}
  create {{ unique }}index {{ adapter.quote(name) }} on {{ relation }}
  {%- if index_dict.type and adapter.type() != 'duckdb' %} using {{ index_dict.type }}{% endif %} ({{ columns }})
{%- endmacro %}

{#- DuckDB lets no table go that a foreign key refers to: those that do are kept as plain tables until their own turn -#}
{% macro drop_foreign_key_dependents(relation) -%}
  {{ return(adapter.dispatch('drop_foreign_key_dependents', 'dbt')(relation)) }}
{%- endmacro %}
{% macro default__drop_foreign_key_dependents(relation) -%}{{ return([]) }}{%- endmacro %}
{% macro duckdb__drop_foreign_key_dependents(relation) -%}
  {%- set among -%}
    with recursive fk as (
      select lower(table_name) as name, lower(referenced_table) as parent
      from duckdb_constraints()
      where constraint_type = 'FOREIGN KEY' and lower(table_name) <> lower(referenced_table)
        and lower(database_name) = lower('{{ relation.database }}') and lower(schema_name) = lower('{{ relation.schema }}')
    ), below as (
      select name, 1 as depth from fk where parent = lower('{{ relation.identifier }}')
      union select fk.name, below.depth + 1 from fk join below on fk.parent = below.name
    )
    select name from below group by name order by max(depth) desc, name
  {%- endset -%}
  {%- set names = run_query(among).columns[0].values() -%}
  {%- for name in names -%}
    {%- set there = relation.incorporate(path={'identifier': name}, type='table') -%}
    {%- set kept = relation.incorporate(path={'identifier': name ~ '__dbt_fk_backup'}, type='table') -%}
    {%- do run_query('create or replace table ' ~ kept ~ ' as from ' ~ there) -%}
    {%- do run_query('drop table ' ~ there) -%}
  {%- endfor -%}
  {%- for name in names -%}
    {%- set kept = relation.incorporate(path={'identifier': name ~ '__dbt_fk_backup'}, type='table') -%}
    {%- do run_query('alter table ' ~ kept ~ ' rename to ' ~ adapter.quote(name)) -%}
  {%- endfor -%}
  {{ return(names) }}
{%- endmacro %}
`;

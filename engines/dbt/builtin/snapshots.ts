/**
 * The SQL of snapshots, by dbt's macro names: what a project overrides counts. Strategies see the rows of the snapshot
 * as `snapshotted_data` and those of its query as `source_data`.
 */
export const SNAPSHOTS = [
  // strategies
  String.raw`
{# the strategy for one run: it asks the model for its names and its query #}
{% macro snapshot_strategy_of(name, sql, relation, target_exists) -%}
  {%- set node = dict(model, compiled_code=sql, database=relation.database, schema=relation.schema, alias=relation.identifier) -%}
  {%- set strategy_macro = strategy_dispatch(name) -%}
  {{ return(strategy_macro(node, 'snapshotted_data', 'source_data', config, target_exists)) }}
{%- endmacro %}

{% macro strategy_dispatch(name) -%}
  {%- set parts = name.split('.', 1) -%}
  {%- set package_name = parts[0] if parts | length > 1 else none -%}
  {%- set found = context if package_name is none else context.get(package_name) -%}
  {%- if not found -%}
    {%- do exceptions.raise_compiler_error("Could not find package '" ~ package_name ~ "', called with '" ~ name ~ "'") -%}
  {%- endif -%}
  {%- set macro_name = 'snapshot_' ~ parts[-1] ~ '_strategy' -%}
  {%- if macro_name not in found -%}
    {%- do exceptions.raise_compiler_error("The snapshot strategy '" ~ name ~ "' has no macro " ~ macro_name) -%}
  {%- endif -%}
  {{ return(found[macro_name]) }}
{%- endmacro %}

{% macro snapshot_hash_arguments(args) -%}
  {{ adapter.dispatch('snapshot_hash_arguments', 'dbt')(args) }}
{%- endmacro %}

{% macro default__snapshot_hash_arguments(args) -%}
  md5({% for arg in args %}coalesce(cast({{ arg }} as varchar), ''){% if not loop.last %} || '|' || {% endif %}{% endfor %})
{%- endmacro %}

{% macro snapshot_string_as_time(timestamp) -%}
  {{ adapter.dispatch('snapshot_string_as_time', 'dbt')(timestamp) }}
{%- endmacro %}

{% macro default__snapshot_string_as_time(timestamp) -%}
  {{ return("'" ~ timestamp ~ "'::timestamp") }}
{%- endmacro %}

{% macro get_true_sql() %}
  {{ adapter.dispatch('get_true_sql', 'dbt')() }}
{% endmacro %}

{% macro default__get_true_sql() %}
  {{ return('TRUE') }}
{% endmacro %}

{# ignore, invalidate or new_record #}
{% macro get_snapshot_hard_deletes() -%}
  {%- set hard_deletes = config.get('hard_deletes') -%}
  {%- if hard_deletes -%}{{ return(hard_deletes) }}{%- endif -%}
  {{ return('invalidate' if config.get('invalidate_hard_deletes') else 'ignore') }}
{%- endmacro %}

{# what every strategy gives #}
{% macro snapshot_strategy(updated_at, row_changed) -%}
  {%- set unique_key = config.get('unique_key') -%}
  {%- set keys = unique_key if unique_key is not string and unique_key is iterable else [unique_key] -%}
  {%- set hard_deletes = get_snapshot_hard_deletes() -%}
  {{ return({
    'unique_key': unique_key,
    'updated_at': updated_at,
    'row_changed': row_changed,
    'scd_id': snapshot_hash_arguments(keys | list + [updated_at]),
    'invalidate_hard_deletes': hard_deletes == 'invalidate',
    'hard_deletes': hard_deletes,
  }) }}
{%- endmacro %}

{% macro snapshot_timestamp_strategy(node, snapshotted_rel, current_rel, model_config, target_exists) -%}
  {%- set updated_at = config.get('updated_at') -%}
  {# the column of the source need not be in a snapshot that began with another strategy #}
  {%- set valid_from = snapshot_columns().dbt_valid_from -%}
  {{ return(snapshot_strategy(updated_at, '(' ~ snapshotted_rel ~ '.' ~ valid_from ~ ' < ' ~ current_rel ~ '.' ~ updated_at ~ ')')) }}
{%- endmacro %}

{% macro snapshot_check_strategy(node, snapshotted_rel, current_rel, model_config, target_exists) -%}
  {%- set found = snapshot_check_all_get_existing_columns(node, target_exists, config.get('check_cols')) -%}
  {%- set row_changed -%}
  (
    {%- if found[0] -%}
      {{ get_true_sql() }}
    {%- else -%}
      {%- for column in found[1] -%}
        {%- set old = snapshotted_rel ~ '.' ~ column -%}
        {%- set new = current_rel ~ '.' ~ column -%}
        ({{ old }} != {{ new }} or (({{ old }} is null) and not ({{ new }} is null)) or ((not {{ old }} is null) and ({{ new }} is null)))
        {%- if not loop.last %} or {% endif -%}
      {%- else -%}
        1 = 0
      {%- endfor -%}
    {%- endif -%}
  )
  {%- endset -%}
  {{ return(snapshot_strategy(config.get('updated_at') or snapshot_get_time(), row_changed)) }}
{%- endmacro %}

{# whether the query has a column that the snapshot lacks, and the quoted columns that both have #}
{% macro snapshot_check_all_get_existing_columns(node, target_exists, check_cols_config) -%}
  {%- if check_cols_config == 'all' -%}
    {%- set sql = node['compiled_code'] -%}
  {%- elif check_cols_config is iterable and check_cols_config is not string and check_cols_config | length > 0 -%}
    {%- set sql -%}
select {{ check_cols_config | join(', ') }} from (
{{ node['compiled_code'] }}
) subq
    {%- endset -%}
  {%- else -%}
    {%- do exceptions.raise_compiler_error("Invalid value for 'check_cols': " ~ check_cols_config) -%}
  {%- endif -%}
  {%- if not target_exists -%}{{ return((false, [])) }}{%- endif -%}
  {%- set target = adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias) -%}
  {%- set existing = adapter.get_columns_in_relation(target) | map(attribute='name') | list -%}
  {%- set state = namespace(added=false, both=[]) -%}
  {%- for column in get_columns_in_query(sql) -%}
    {%- if column in existing -%}
      {%- do state.both.append(adapter.quote(column)) -%}
    {%- else -%}
      {%- set state.added = true -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return((state.added, state.both)) }}
{%- endmacro %}
`,
  // columns and keys
  String.raw`
{% macro get_snapshot_table_column_names() -%}
  {%- set names = {} -%}
  {%- for name in ['dbt_valid_to', 'dbt_valid_from', 'dbt_scd_id', 'dbt_updated_at', 'dbt_is_deleted'] -%}
    {%- do names.update({name: name}) -%}
  {%- endfor -%}
  {{ return(names) }}
{%- endmacro %}

{# the names of the columns that a snapshot adds, with those of snapshot_meta_column_names #}
{% macro snapshot_columns() -%}
  {%- set names = get_snapshot_table_column_names() -%}
  {%- for name, given in (config.get('snapshot_meta_column_names') or {}).items() if given -%}
    {%- do names.update({name: given}) -%}
  {%- endfor -%}
  {{ return(names) }}
{%- endmacro %}

{% macro unique_key_fields(unique_key) -%}
  {%- if unique_key is not string and unique_key is iterable -%}
    {%- for key in unique_key %}{{ key }} as dbt_unique_key_{{ loop.index }}{% if not loop.last %}, {% endif %}{% endfor -%}
  {%- else -%}
    {{ unique_key }} as dbt_unique_key
  {%- endif -%}
{%- endmacro %}

{# the names that unique_key_fields gives #}
{% macro snapshot_key_names(unique_key) -%}
  {%- if unique_key is string or unique_key is not iterable -%}{{ return(['dbt_unique_key']) }}{%- endif -%}
  {%- set names = [] -%}
  {%- for key in unique_key -%}{%- do names.append('dbt_unique_key_' ~ loop.index) -%}{%- endfor -%}
  {{ return(names) }}
{%- endmacro %}

{% macro unique_key_join_on(unique_key, identifier, from_identifier) -%}
  {%- for name in snapshot_key_names(unique_key) -%}
    {{ identifier }}.{{ name }} = {{ from_identifier }}.{{ name }}{% if not loop.last %} and {% endif %}
  {%- endfor -%}
{%- endmacro %}

{% macro unique_key_is_null(unique_key, identifier) -%}
  {{ identifier }}.{{ snapshot_key_names(unique_key)[0] }} is null
{%- endmacro %}

{% macro unique_key_is_not_null(unique_key, identifier) -%}
  {{ identifier }}.{{ snapshot_key_names(unique_key)[0] }} is not null
{%- endmacro %}

{# typed like updated_at, also where it is null #}
{% macro get_dbt_valid_to_current(strategy, columns) -%}
  coalesce(nullif({{ strategy.updated_at }}, {{ strategy.updated_at }}), {{ config.get('dbt_valid_to_current') or 'null' }}) as {{ columns.dbt_valid_to }}
{%- endmacro %}

{# whether a row of the snapshot is the current one of its key #}
{% macro snapshot_is_current(column) -%}
  {%- set marker = config.get('dbt_valid_to_current') -%}
  {%- if marker -%}
    ({{ column }} = {{ marker }} or {{ column }} is null)
  {%- else -%}
    {{ column }} is null
  {%- endif -%}
{%- endmacro %}
`,
  // tables
  String.raw`
{% macro build_snapshot_table(strategy, sql) -%}
  {{ adapter.dispatch('build_snapshot_table', 'dbt')(strategy, sql) }}
{%- endmacro %}

{% macro default__build_snapshot_table(strategy, sql) -%}
{%- set columns = snapshot_columns() -%}
select
    *,
    {{ strategy.scd_id }} as {{ columns.dbt_scd_id }},
    {{ strategy.updated_at }} as {{ columns.dbt_updated_at }},
    {{ strategy.updated_at }} as {{ columns.dbt_valid_from }},
    {{ get_dbt_valid_to_current(strategy, columns) }}
    {%- if strategy.hard_deletes == 'new_record' %},
    'False' as {{ columns.dbt_is_deleted }}
    {%- endif %}
from (
{{ sql }}
) sbq
{%- endmacro %}

{% macro snapshot_staging_table(strategy, source_sql, target_relation) -%}
  {{ adapter.dispatch('snapshot_staging_table', 'dbt')(strategy, source_sql, target_relation) }}
{%- endmacro %}

{# one row for each thing to do to the snapshot; new rows and ends of old ones have the same columns #}
{% macro default__snapshot_staging_table(strategy, source_sql, target_relation) -%}
{%- set columns = snapshot_columns() -%}
{%- set key = strategy.unique_key -%}
{%- set records_deletes = strategy.hard_deletes == 'new_record' -%}
{%- set finds_deletes = records_deletes or strategy.hard_deletes == 'invalidate' -%}
{%- set now = snapshot_get_time() -%}
{%- set is_deleted = "snapshotted_data." ~ columns.dbt_is_deleted ~ " = 'True'" -%}
{%- set changed -%}
({{ strategy.row_changed }}{% if records_deletes %} or {{ is_deleted }}{% endif %})
{%- endset -%}
with snapshot_query as (
{{ source_sql }}
),
snapshotted_data as (
    select *, {{ unique_key_fields(key) }}
    from {{ target_relation.render() }}
    where {{ snapshot_is_current(columns.dbt_valid_to) }}
),
new_rows as (
    select *, {{ unique_key_fields(key) }},
        {{ strategy.updated_at }} as {{ columns.dbt_updated_at }},
        {{ strategy.updated_at }} as {{ columns.dbt_valid_from }},
        {{ get_dbt_valid_to_current(strategy, columns) }},
        {{ strategy.scd_id }} as {{ columns.dbt_scd_id }}
    from snapshot_query
),
ending_rows as (
    select *, {{ unique_key_fields(key) }},
        {{ strategy.updated_at }} as {{ columns.dbt_updated_at }},
        {{ strategy.updated_at }} as {{ columns.dbt_valid_from }},
        {{ strategy.updated_at }} as {{ columns.dbt_valid_to }}
    from snapshot_query
),
insertions as (
    select 'insert' as dbt_change_type, source_data.*
        {%- if records_deletes %}, 'False' as {{ columns.dbt_is_deleted }}{% endif %}
    from new_rows as source_data
    left join snapshotted_data on {{ unique_key_join_on(key, 'snapshotted_data', 'source_data') }}
    where {{ unique_key_is_null(key, 'snapshotted_data') }}
       or ({{ unique_key_is_not_null(key, 'snapshotted_data') }} and {{ changed }})
),
updates as (
    select 'update' as dbt_change_type, source_data.*, snapshotted_data.{{ columns.dbt_scd_id }}
        {%- if records_deletes %}, snapshotted_data.{{ columns.dbt_is_deleted }}{% endif %}
    from ending_rows as source_data
    join snapshotted_data on {{ unique_key_join_on(key, 'snapshotted_data', 'source_data') }}
    where {{ changed }}
)
{%- if finds_deletes %},
query_keys as (
    select *, {{ unique_key_fields(key) }} from snapshot_query
),
deletes as (
    select 'delete' as dbt_change_type, source_data.*,
        {{ now }} as {{ columns.dbt_updated_at }},
        {{ now }} as {{ columns.dbt_valid_from }},
        {{ now }} as {{ columns.dbt_valid_to }},
        snapshotted_data.{{ columns.dbt_scd_id }}
        {%- if records_deletes %}, snapshotted_data.{{ columns.dbt_is_deleted }}{% endif %}
    from snapshotted_data
    left join query_keys as source_data on {{ unique_key_join_on(key, 'snapshotted_data', 'source_data') }}
    where {{ unique_key_is_null(key, 'source_data') }}
    {%- if records_deletes %} and not {{ is_deleted }}{% endif %}
)
{%- endif %}
{%- if records_deletes %},
{%- set kept = adapter.get_columns_in_relation(target_relation) | map(attribute='name') | list %}
deletion_records as (
    select 'insert' as dbt_change_type,
        {% for name in get_columns_in_query(source_sql) -%}
        {{ 'snapshotted_data' if name in kept else 'source_data' }}.{{ adapter.quote(name) }},
        {% endfor -%}
        {% for name in snapshot_key_names(key) -%}
        snapshotted_data.{{ name }},
        {% endfor -%}
        {{ now }} as {{ columns.dbt_updated_at }},
        {{ now }} as {{ columns.dbt_valid_from }},
        snapshotted_data.{{ columns.dbt_valid_to }},
        {{ snapshot_hash_arguments(['snapshotted_data.' ~ columns.dbt_scd_id, now]) }} as {{ columns.dbt_scd_id }},
        'True' as {{ columns.dbt_is_deleted }}
    from snapshotted_data
    left join query_keys as source_data on {{ unique_key_join_on(key, 'snapshotted_data', 'source_data') }}
    where {{ unique_key_is_null(key, 'source_data') }} and not {{ is_deleted }}
)
{%- endif %}
select * from insertions
union all
select * from updates
{%- if finds_deletes %}
union all
select * from deletes
{%- endif %}
{%- if records_deletes %}
union all
select * from deletion_records
{%- endif %}
{%- endmacro %}

{% macro build_snapshot_staging_table(strategy, sql, target_relation) -%}
  {%- set staging = make_temp_relation(target_relation) -%}
  {%- call statement('build_snapshot_staging_relation') -%}
    {{ create_table_as(true, staging, snapshot_staging_table(strategy, sql, target_relation)) }}
  {%- endcall -%}
  {{ return(staging) }}
{%- endmacro %}

{% macro post_snapshot(staging_relation) -%}
  {{ adapter.dispatch('post_snapshot', 'dbt')(staging_relation) }}
{%- endmacro %}

{# connections are used again, and temporary tables live as long as theirs #}
{% macro default__post_snapshot(staging_relation) -%}
  {%- call statement('drop_snapshot_staging_relation') -%}
    drop table if exists {{ staging_relation.render() }}
  {%- endcall -%}
{%- endmacro %}

{% macro create_columns(relation, columns) -%}
  {{ adapter.dispatch('create_columns', 'dbt')(relation, columns) }}
{%- endmacro %}

{% macro default__create_columns(relation, columns) -%}
  {%- for column in columns -%}
    {%- call statement() -%}
      alter table {{ relation.render() }} add column {{ adapter.quote(column.name) }} {{ column.dtype }}
    {%- endcall -%}
  {%- endfor -%}
{%- endmacro %}

{# texts that have become longer need room, where a warehouse counts their length #}
{% macro snapshot_expand_columns(staging, target) -%}
  {%- do adapter.expand_target_column_types(from_relation=staging, to_relation=target) -%}
{%- endmacro %}

{% macro snapshot_merge_sql(target, source, insert_cols) -%}
  {{ adapter.dispatch('snapshot_merge_sql', 'dbt')(target, source, insert_cols) }}
{%- endmacro %}

{% macro default__snapshot_merge_sql(target, source, insert_cols) -%}
{%- set columns = snapshot_columns() -%}
merge into {{ target.render() }} as DBT_INTERNAL_DEST
using {{ source.render() }} as DBT_INTERNAL_SOURCE
on DBT_INTERNAL_SOURCE.{{ columns.dbt_scd_id }} = DBT_INTERNAL_DEST.{{ columns.dbt_scd_id }}
when matched
    and {{ snapshot_is_current('DBT_INTERNAL_DEST.' ~ columns.dbt_valid_to) }}
    and DBT_INTERNAL_SOURCE.dbt_change_type in ('update', 'delete')
    then update set {{ columns.dbt_valid_to }} = DBT_INTERNAL_SOURCE.{{ columns.dbt_valid_to }}
when not matched and DBT_INTERNAL_SOURCE.dbt_change_type = 'insert'
    then insert ({{ insert_cols | join(', ') }})
    values ({% for column in insert_cols %}DBT_INTERNAL_SOURCE.{{ column }}{% if not loop.last %}, {% endif %}{% endfor %})
{%- endmacro %}

{% macro duckdb__snapshot_merge_sql(target, source, insert_cols) -%}
  {{ return(snapshot_update_insert_sql(target, source, insert_cols)) }}
{%- endmacro %}

{% macro postgres__snapshot_merge_sql(target, source, insert_cols) -%}
  {{ return(snapshot_update_insert_sql(target, source, insert_cols)) }}
{%- endmacro %}

{# for warehouses without MERGE, or where two statements are safer #}
{% macro snapshot_update_insert_sql(target, source, insert_cols) -%}
{%- set columns = snapshot_columns() -%}
update {{ target.render() }} as DBT_INTERNAL_TARGET
set {{ columns.dbt_valid_to }} = DBT_INTERNAL_SOURCE.{{ columns.dbt_valid_to }}
from {{ source.render() }} as DBT_INTERNAL_SOURCE
where cast(DBT_INTERNAL_SOURCE.{{ columns.dbt_scd_id }} as text) = cast(DBT_INTERNAL_TARGET.{{ columns.dbt_scd_id }} as text)
    and cast(DBT_INTERNAL_SOURCE.dbt_change_type as text) in ('update', 'delete')
    and {{ snapshot_is_current('DBT_INTERNAL_TARGET.' ~ columns.dbt_valid_to) }};
insert into {{ target.render() }} ({{ insert_cols | join(', ') }})
select {% for column in insert_cols %}DBT_INTERNAL_SOURCE.{{ column }}{% if not loop.last %}, {% endif %}{% endfor %}
from {{ source.render() }} as DBT_INTERNAL_SOURCE
where cast(DBT_INTERNAL_SOURCE.dbt_change_type as text) = 'insert'
{%- endmacro %}
`,
].join('\n');

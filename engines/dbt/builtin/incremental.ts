/** How new rows come into a table that is there: dbt's strategies by their names, and what happens to new columns. */
export const INCREMENTAL = String.raw`
{% macro is_incremental() %}
  {%- if not execute %}{{ return(false) }}{% endif -%}
  {%- set there = load_cached_relation(this) -%}
  {{ return(there is not none and there.type == 'table'
       and model.config.materialized == 'incremental' and not should_full_refresh()) }}
{% endmacro %}

{% macro get_quoted_csv(column_names) %}
  {%- set quoted = [] -%}
  {%- for name in column_names %}{% do quoted.append(adapter.quote(name)) %}{% endfor -%}
  {{ return(quoted | join(', ')) }}
{% endmacro %}

{% macro get_insert_into_sql(target_relation, temp_relation, dest_columns) %}
  {%- set columns = get_quoted_csv(dest_columns | map(attribute='name')) %}
  insert into {{ target_relation }} ({{ columns }})
  select {{ columns }} from {{ temp_relation }}
{% endmacro %}

{% macro get_incremental_append_sql(arg_dict) %}
  {{ return(adapter.dispatch('get_incremental_append_sql', 'dbt')(arg_dict)) }}
{% endmacro %}
{% macro default__get_incremental_append_sql(arg_dict) %}
  {{ return(get_insert_into_sql(arg_dict['target_relation'], arg_dict['temp_relation'], arg_dict['dest_columns'])) }}
{% endmacro %}

{% macro get_incremental_default_sql(arg_dict) %}
  {{ return(adapter.dispatch('get_incremental_default_sql', 'dbt')(arg_dict)) }}
{% endmacro %}
{% macro default__get_incremental_default_sql(arg_dict) %}
  {{ return(get_incremental_append_sql(arg_dict)) }}
{% endmacro %}
{% macro duckdb__get_incremental_default_sql(arg_dict) %}
  {{ return(get_incremental_delete_insert_sql(arg_dict)) }}
{% endmacro %}

{% macro get_incremental_delete_insert_sql(arg_dict) %}
  {{ return(adapter.dispatch('get_incremental_delete_insert_sql', 'dbt')(arg_dict)) }}
{% endmacro %}
{% macro default__get_incremental_delete_insert_sql(arg_dict) %}
  {{ return(get_delete_insert_merge_sql(arg_dict['target_relation'], arg_dict['temp_relation'], arg_dict['unique_key'],
       arg_dict['dest_columns'], arg_dict['incremental_predicates'])) }}
{% endmacro %}
{% macro get_delete_insert_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
  {{ return(adapter.dispatch('get_delete_insert_merge_sql', 'dbt')(target, source, unique_key, dest_columns, incremental_predicates)) }}
{%- endmacro %}
{% macro default__get_delete_insert_merge_sql(target, source, unique_key, dest_columns, incremental_predicates) -%}
  {%- if unique_key -%}
    {%- set several = unique_key is sequence and unique_key is not string -%}
  delete from {{ target }}{{ ' as DBT_INCREMENTAL_TARGET' if several }}
    {%- if several %}
  using {{ source }}
  where (
      {%- for key in unique_key %}
    {{ source }}.{{ key }} = DBT_INCREMENTAL_TARGET.{{ key }}{{ ' and' if not loop.last }}
      {%- endfor %}
  )
    {%- else %}
  where ({{ unique_key }}) in (select ({{ unique_key }}) from {{ source }})
    {%- endif -%}
    {%- for predicate in incremental_predicates or [] %}
    and {{ predicate }}
    {%- endfor -%};
  {% endif -%}
  {{ get_insert_into_sql(target, source, dest_columns) }}
{%- endmacro %}

{% macro get_incremental_merge_sql(arg_dict) %}
  {{ return(adapter.dispatch('get_incremental_merge_sql', 'dbt')(arg_dict)) }}
{% endmacro %}
{% macro default__get_incremental_merge_sql(arg_dict) %}
  {{ return(get_merge_sql(arg_dict['target_relation'], arg_dict['temp_relation'], arg_dict['unique_key'],
       arg_dict['dest_columns'], arg_dict['incremental_predicates'])) }}
{% endmacro %}
{% macro get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=none) -%}
  {{ return(adapter.dispatch('get_merge_sql', 'dbt')(target, source, unique_key, dest_columns,
       kwargs.get('predicates', incremental_predicates))) }}
{%- endmacro %}
{% macro get_merge_unique_key_match(source_unique_key, target_unique_key) -%}
  {{ return(adapter.dispatch('get_merge_unique_key_match', 'dbt')(source_unique_key, target_unique_key)) }}
{%- endmacro %}
{% macro default__get_merge_unique_key_match(source_unique_key, target_unique_key) -%}
  {{ source_unique_key }} = {{ target_unique_key }}
{%- endmacro %}

{#- what rows of the source belong to which of the target -#}
{% macro merge_conditions(unique_key, incremental_predicates) -%}
  {%- set found = ([] if not incremental_predicates
        else [incremental_predicates] if incremental_predicates is string else incremental_predicates | list) -%}
  {%- set keys = [] if not unique_key else [unique_key] if unique_key is string else unique_key | list -%}
  {%- for key in keys -%}
    {%- do found.append(get_merge_unique_key_match('DBT_INTERNAL_SOURCE.' ~ key, 'DBT_INTERNAL_DEST.' ~ key) | trim) -%}
  {%- endfor -%}
  {%- if not keys %}{% do found.append('FALSE') %}{% endif -%}
  {{ return('(' ~ found | join(') and (') ~ ')') }}
{%- endmacro %}

{% macro default__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=none) -%}
  {%- set columns = get_quoted_csv(dest_columns | map(attribute='name')) -%}
  {%- set updated = get_merge_update_columns(config.get('merge_update_columns'), config.get('merge_exclude_columns'), dest_columns) -%}
  {{ sql_header_line() -}}
  merge into {{ target }} as DBT_INTERNAL_DEST
  using {{ source }} as DBT_INTERNAL_SOURCE
  on {{ merge_conditions(unique_key, incremental_predicates) }}
  {%- if unique_key %}
  when matched then update set
    {%- for name in updated %} {{ name }} = DBT_INTERNAL_SOURCE.{{ name }}{{ ',' if not loop.last }}{% endfor %}
  {%- endif %}
  when not matched then insert ({{ columns }}) values (
    {%- for column in dest_columns %}DBT_INTERNAL_SOURCE.{{ column.quoted }}{{ ', ' if not loop.last }}{% endfor -%}
  )
{%- endmacro %}

{% macro get_merge_update_columns(merge_update_columns, merge_exclude_columns, dest_columns) -%}
  {{ return(adapter.dispatch('get_merge_update_columns', 'dbt')(merge_update_columns, merge_exclude_columns, dest_columns)) }}
{%- endmacro %}
{% macro default__get_merge_update_columns(merge_update_columns, merge_exclude_columns, dest_columns) -%}
  {%- if merge_update_columns and merge_exclude_columns -%}
    {%- do exceptions.raise_compiler_error('Model cannot specify merge_update_columns and merge_exclude_columns. '
         ~ 'Please update model to use only one config') -%}
  {%- endif -%}
  {%- if merge_update_columns %}{{ return(merge_update_columns) }}{% endif -%}
  {%- set kept = merge_exclude_columns | default([], true) | map('lower') | list -%}
  {%- set found = [] -%}
  {%- for column in dest_columns if column.name | lower not in kept %}{% do found.append(column.quoted) %}{% endfor -%}
  {{ return(found) }}
{%- endmacro %}

{#- dbt-duckdb's merge with its own settings -#}
{% macro duckdb__get_merge_sql(target, source, unique_key, dest_columns, incremental_predicates=none) -%}
  {%- set given = adapter.get_columns_in_relation(source) | map(attribute='name') | map('lower') | list -%}
  {%- set shared = [] -%}
  {%- for column in dest_columns if column.name | lower in given %}{% do shared.append(column) %}{% endfor -%}
  {%- set expressions = config.get('merge_update_set_expressions') or {} -%}
  {%- set clauses = config.get('merge_clauses') or {} -%}
  {%- set matched = clauses.get('when_matched', [{
        'action': 'update', 'mode': 'explicit', 'condition': config.get('merge_update_condition'),
        'update': {'include': config.get('merge_update_columns'), 'exclude': config.get('merge_exclude_columns'),
                   'set_expressions': expressions}}]) -%}
  {%- set missing = clauses.get('when_not_matched', [{
        'action': 'insert', 'condition': config.get('merge_insert_condition')}]) -%}
  {%- set shared_keys = config.get('merge_on_using_columns') -%}
  {%- set returning = config.get('merge_returning_columns') -%}
  {{ sql_header_line() -}}
  merge into {{ target }} as DBT_INTERNAL_DEST
  using {{ source }} as DBT_INTERNAL_SOURCE
  {{ 'using (' ~ shared_keys | join(', ') ~ ')' if shared_keys
     else 'on ' ~ merge_conditions(unique_key, incremental_predicates) }}
  {%- for clause in matched %}
  when matched{{ merge_clause_condition(clause) }} then {{ merge_clause_action(clause, shared) }}
  {%- endfor %}
  {%- for clause in missing %}
  when not matched{{ ' by ' ~ clause['by'] if clause.get('by') }}{{ merge_clause_condition(clause) }} then {{ merge_clause_action(clause, shared) }}
  {%- endfor %}
  {%- if returning %}
  returning {{ returning if returning is string else returning | join(', ') }}
  {%- endif %}
{%- endmacro %}

{% macro merge_clause_condition(clause) -%}
  {%- set condition = clause.get('condition') -%}
  {%- if condition %} and ({{ condition if condition is string else condition | join(') and (') }}){% endif -%}
{%- endmacro %}

{% macro merge_clause_action(clause, columns) -%}
  {%- set action = clause.get('action') -%}
  {%- set mode = clause.get('mode', 'explicit') -%}
  {%- if action in ('update', 'insert') and mode in ('by_name', 'by_position') -%}
    {{ action }} {{ mode | replace('_', ' ') }}
  {%- elif mode == 'star' and action in ('update', 'insert') -%}
    {{ 'update set *' if action == 'update' else 'insert *' }}
  {%- elif action == 'update' -%}
    {%- set chosen = clause.get('update', {}) -%}
    {%- set expressions = clause.get('set_expressions') or chosen.get('set_expressions') or {} -%}
    {%- set sets = [] -%}
    {%- for name, expression in expressions.items() %}{% do sets.append(name ~ ' = ' ~ expression) %}{% endfor -%}
    {%- if 'update' in clause -%}
      {%- for name in get_merge_update_columns(chosen.get('include'), chosen.get('exclude'), columns)
            if name | replace('"', '') not in expressions -%}
        {%- do sets.append(name ~ ' = DBT_INTERNAL_SOURCE.' ~ name) -%}
      {%- endfor -%}
    {%- endif -%}
    update set {{ sets | join(', ') }}
  {%- elif action == 'insert' -%}
    {%- set own = clause.get('insert', {}) -%}
    {%- set names = own.get('columns') or columns | map(attribute='quoted') | list -%}
    {%- set values = own.get('values') or [] -%}
    insert ({{ names | join(', ') }}) values (
    {%- for name in names %}{{ values[loop.index0] if values else 'DBT_INTERNAL_SOURCE.' ~ name }}{{ ', ' if not loop.last }}{% endfor -%}
    )
  {%- elif action == 'error' -%}
    error{{ " '" ~ clause.get('error_message') | replace("'", "''") ~ "'" if clause.get('error_message') }}
  {%- else -%}
    {{ action | replace('_', ' ') }}
  {%- endif -%}
{%- endmacro %}

{% macro get_incremental_insert_overwrite_sql(arg_dict) %}
  {{ return(adapter.dispatch('get_incremental_insert_overwrite_sql', 'dbt')(arg_dict)) }}
{% endmacro %}
{% macro default__get_incremental_insert_overwrite_sql(arg_dict) %}
  {{ return(get_insert_overwrite_merge_sql(arg_dict['target_relation'], arg_dict['temp_relation'],
       arg_dict['dest_columns'], arg_dict['incremental_predicates'])) }}
{% endmacro %}
{% macro get_insert_overwrite_merge_sql(target, source, dest_columns, predicates, include_sql_header=false) -%}
  {{ return(adapter.dispatch('get_insert_overwrite_merge_sql', 'dbt')(target, source, dest_columns, predicates, include_sql_header)) }}
{%- endmacro %}
{% macro default__get_insert_overwrite_merge_sql(target, source, dest_columns, predicates, include_sql_header=false) -%}
  {%- set columns = get_quoted_csv(dest_columns | map(attribute='name')) -%}
  {%- if include_sql_header %}{{ sql_header_line() }}{% endif -%}
  merge into {{ target }} as DBT_INTERNAL_DEST
  using {{ source }} as DBT_INTERNAL_SOURCE
  on FALSE
  when not matched by source{{ ' and ' ~ predicates | join(' and ') if predicates }} then delete
  when not matched then insert ({{ columns }}) values ({{ columns }})
{%- endmacro %}

{% macro get_incremental_microbatch_sql(arg_dict) %}
  {{ return(adapter.dispatch('get_incremental_microbatch_sql', 'dbt')(arg_dict)) }}
{% endmacro %}
{% macro default__get_incremental_microbatch_sql(arg_dict) %}
  {%- set target = arg_dict['target_relation'] -%}
  {%- set column = config.get('event_time') -%}
  {%- set part = model.batch -%}
  delete from {{ target }}
  where {{ column }} >= '{{ part.event_time_start }}' and {{ column }} < '{{ part.event_time_end }}'
  {%- for predicate in arg_dict.get('incremental_predicates') or [] %}
    and ({{ predicate }})
  {%- endfor %};
  {%- set columns = get_quoted_csv(arg_dict['dest_columns'] | map(attribute='name')) %}
  insert into {{ target }} ({{ columns }})
  select {{ columns }} from {{ arg_dict['temp_relation'] }}
  where {{ column }} >= '{{ part.event_time_start }}' and {{ column }} < '{{ part.event_time_end }}'
{% endmacro %}

{% macro incremental_validate_on_schema_change(on_schema_change, default='ignore') %}
  {{ return(on_schema_change if on_schema_change in ('ignore', 'append_new_columns', 'sync_all_columns', 'fail') else default) }}
{% endmacro %}

{% macro diff_columns(source_columns, target_columns) %}
  {%- set there = target_columns | map(attribute='column') | list -%}
  {%- set found = [] -%}
  {%- for column in source_columns if column.name not in there %}{% do found.append(column) %}{% endfor -%}
  {{ return(found) }}
{% endmacro %}

{% macro diff_column_data_types(source_columns, target_columns) %}
  {{ return(adapter.dispatch('diff_column_data_types', 'dbt')(source_columns, target_columns)) }}
{% endmacro %}
{% macro default__diff_column_data_types(source_columns, target_columns) %}
  {%- set found = [] -%}
  {%- for column in source_columns -%}
    {%- for former in target_columns
          if former.name == column.name and former.data_type != column.data_type and not column.can_expand_to(former) -%}
      {%- do found.append({'column_name': former.name, 'new_type': column.data_type}) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{ return(found) }}
{% endmacro %}

{% macro check_for_schema_changes(source_relation, target_relation) %}
  {{ return(adapter.dispatch('check_for_schema_changes', 'dbt')(source_relation, target_relation)) }}
{% endmacro %}
{% macro default__check_for_schema_changes(source_relation, target_relation) %}
  {%- set given = adapter.get_columns_in_relation(source_relation) -%}
  {%- set there = adapter.get_columns_in_relation(target_relation) -%}
  {%- set added = diff_columns(given, there) -%}
  {%- set removed = diff_columns(there, given) -%}
  {%- set retyped = diff_column_data_types(given, there) -%}
  {{ return({
    'schema_changed': (added or removed or retyped) | length > 0,
    'source_not_in_target': added,
    'target_not_in_source': removed,
    'source_columns': given,
    'target_columns': there,
    'new_target_types': retyped
  }) }}
{% endmacro %}

{% macro sync_column_schemas(on_schema_change, target_relation, schema_changes_dict) %}
  {{ return(adapter.dispatch('sync_column_schemas', 'dbt')(on_schema_change, target_relation, schema_changes_dict)) }}
{% endmacro %}
{% macro default__sync_column_schemas(on_schema_change, target_relation, schema_changes_dict) %}
  {%- set added = schema_changes_dict['source_not_in_target'] -%}
  {%- if on_schema_change == 'append_new_columns' -%}
    {%- if added %}{% do alter_relation_add_remove_columns(target_relation, added, none) %}{% endif -%}
  {%- elif on_schema_change == 'sync_all_columns' -%}
    {%- set removed = schema_changes_dict['target_not_in_source'] -%}
    {%- if added or removed %}{% do alter_relation_add_remove_columns(target_relation, added, removed) %}{% endif -%}
    {%- for change in schema_changes_dict['new_target_types'] -%}
      {%- do alter_column_type(target_relation, change['column_name'], change['new_type']) -%}
    {%- endfor -%}
  {%- endif -%}
{% endmacro %}

{% macro process_schema_changes(on_schema_change, source_relation, target_relation) %}
  {{ return(adapter.dispatch('process_schema_changes', 'dbt')(on_schema_change, source_relation, target_relation)) }}
{% endmacro %}
{% macro default__process_schema_changes(on_schema_change, source_relation, target_relation) %}
  {%- if on_schema_change == 'ignore' %}{{ return({}) }}{% endif -%}
  {%- set changes = check_for_schema_changes(source_relation, target_relation) -%}
  {%- if changes['schema_changed'] -%}
    {%- if on_schema_change == 'fail' -%}
      {%- do exceptions.raise_compiler_error(
           'The source and target schemas on this incremental model are out of sync: columns of the query that '
           ~ target_relation ~ ' lacks: ' ~ (changes['source_not_in_target'] | map(attribute='name') | join(', ') or 'none') ~ '; columns it has that the query lacks: '
           ~ (changes['target_not_in_source'] | map(attribute='name') | join(', ') or 'none') ~ '; other types: '
           ~ (changes['new_target_types'] | map(attribute='column_name') | join(', ') or 'none')
           ~ '. Set on_schema_change to append_new_columns or sync_all_columns, run it with --full-refresh, or change the table by hand') -%}
    {%- endif -%}
    {%- do sync_column_schemas(on_schema_change, target_relation, changes) -%}
  {%- endif -%}
  {{ return(changes['source_columns']) }}
{% endmacro %}

{#- DuckDB takes no rows into a table whose type was altered in the same transaction: the table is made anew -#}
{% macro duckdb__alter_column_type(relation, column_name, new_column_type) -%}
  {%- set name = adapter.quote(column_name) -%}
  {%- do run_query('create or replace table ' ~ relation ~ ' as select * replace (cast(' ~ name ~ ' as '
       ~ new_column_type ~ ') as ' ~ name ~ ') from ' ~ relation) -%}
{%- endmacro %}
`;

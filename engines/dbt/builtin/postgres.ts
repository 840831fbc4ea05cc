/** What is different on PostgreSQL, by dbt's macro names. */
export const POSTGRES = String.raw`
{#- tables -#}
{% macro postgres__create_table_as(temporary, relation, sql, language='sql') -%}
  {%- set promised = contract_is_enforced() -%}
  {%- if promised -%}{{ get_assert_columns_equivalent(sql) }}{%- endif -%}
  {{ sql_header_line() -}}
  {%- if not temporary %}
  drop table if exists {{ relation }} cascade;
  {%- endif %}
  create {{ 'temporary' if temporary else 'unlogged' if config.get('unlogged', default=false) }} table {{ relation }}
  {%- if promised and not temporary %}
  {{ get_table_columns_and_constraints() }};
  insert into {{ relation }} {{ get_column_names() }} (
{{ get_select_subquery(sql) }}
  )
  {%- else %} as (
{{ sql }}
)
  {%- endif %};
{%- endmacro %}

{#- a view with other columns than before cannot be replaced in place -#}
{% macro postgres__create_view_as(relation, sql) -%}
  {%- if contract_is_enforced() -%}{{ get_assert_columns_equivalent(sql) }}{%- endif -%}
  {{ sql_header_line() -}}
  drop view if exists {{ relation }} cascade;
  create view {{ relation }} as (
{{ sql }}
);
{%- endmacro %}

{% macro postgres__get_create_materialized_view_as_sql(relation, sql) -%}
  create materialized view {{ relation }} as (
{{ sql }}
);
  {%- for each in config.get('indexes', default=[]) %}
  {{ get_create_index_sql(relation, each) }};
  {%- endfor %}
{%- endmacro %}
{% macro postgres__refresh_materialized_view(relation) -%}
  refresh materialized view {{ relation }}
{%- endmacro %}

{% macro postgres__copy_relation(from_relation, to_relation) -%}
  drop table if exists {{ to_relation }} cascade;
  create table {{ to_relation }} as select * from {{ from_relation }}
{%- endmacro %}

{#- a temporary table stands in a schema of its own -#}
{% macro postgres__make_temp_relation(base_relation, suffix) %}
  {%- set name = (base_relation.identifier ~ suffix)[-63:] -%}
  {{ return(base_relation.incorporate(path={"identifier": name, "schema": none, "database": none})) }}
{% endmacro %}
{#- names have 63 characters at most -#}
{% macro postgres__make_intermediate_relation(base_relation, suffix) %}
  {%- set name = base_relation.identifier[:63 - suffix | length] ~ suffix -%}
  {{ return(base_relation.incorporate(path={"identifier": name})) }}
{% endmacro %}

{% macro postgres__get_incremental_default_sql(arg_dict) %}
  {%- if arg_dict['unique_key'] %}{{ return(get_incremental_delete_insert_sql(arg_dict)) }}{% endif -%}
  {{ return(get_incremental_append_sql(arg_dict)) }}
{% endmacro %}

{#- grants, comments -#}
{% macro postgres__copy_grants() %}{{ return(False) }}{% endmacro %}
{% macro postgres__get_show_grant_sql(relation) -%}
  select grantee, privilege_type
  from information_schema.role_table_grants
  where grantor = current_role and grantee != current_role
    and table_schema = '{{ relation.schema }}' and table_name = '{{ relation.identifier }}'
{%- endmacro %}
{% macro postgres__alter_relation_comment(relation, relation_comment) -%}
  comment on {{ relation.type | replace('_', ' ') }} {{ relation }} is {{ comment_text(relation_comment) }};
{%- endmacro %}

{#- time -#}
{% macro postgres__current_timestamp() -%}now(){%- endmacro %}
{% macro postgres__snapshot_get_time() -%}{{ current_timestamp() }}::timestamp without time zone{%- endmacro %}
{% macro postgres__snapshot_string_as_time(timestamp) -%}
  {{ return("'" ~ timestamp ~ "'::timestamp without time zone") }}
{%- endmacro %}
{% macro postgres__current_timestamp_backcompat() -%}current_timestamp::timestamp without time zone{%- endmacro %}
{% macro postgres__current_timestamp_in_utc_backcompat() -%}
  (current_timestamp at time zone 'utc')::timestamp without time zone
{%- endmacro %}

{#- the cross-database macros -#}
{% macro postgres__any_value(expression) -%}min({{ expression }}){%- endmacro %}
{% macro postgres__date(year, month, day) -%}make_date({{ year }}, {{ month }}, {{ day }}){%- endmacro %}
{% macro postgres__dateadd(datepart, interval, from_date_or_timestamp) -%}
  {%- set months = {'quarter': 3} -%}
  {{ from_date_or_timestamp }} + ((interval '1 {{ 'month' if datepart in months else datepart }}') * ({{ interval }}
  {{- ' * 3' if datepart in months }}))
{%- endmacro %}

{% macro postgres__datediff(first_date, second_date, datepart) -%}
  {%- set from = '(' ~ first_date ~ ')::timestamp' -%}
  {%- set to = '(' ~ second_date ~ ')::timestamp' -%}
  {%- set days = '((' ~ second_date ~ ')::date - (' ~ first_date ~ ')::date)' -%}
  {%- set months = '(12 * (date_part(\'year\', ' ~ to ~ ') - date_part(\'year\', ' ~ from ~ '))'
        ~ ' + date_part(\'month\', ' ~ to ~ ') - date_part(\'month\', ' ~ from ~ '))' -%}
  {%- set seconds -%}
    (date_part('epoch', date_trunc('second', {{ to }})) - date_part('epoch', date_trunc('second', {{ from }})))
  {%- endset -%}
  {%- set part = datepart | lower -%}
  {%- if part == 'year' -%}
    (date_part('year', {{ to }}) - date_part('year', {{ from }}))
  {%- elif part == 'quarter' -%}
    (4 * (date_part('year', {{ to }}) - date_part('year', {{ from }})) + date_part('quarter', {{ to }}) - date_part('quarter', {{ from }}))
  {%- elif part == 'month' -%}
    {{ months }}
  {%- elif part == 'week' -%}
    ((date_trunc('week', {{ to }} + interval '1 day')::date - date_trunc('week', {{ from }} + interval '1 day')::date) / 7)
  {%- elif part == 'day' -%}
    {{ days }}
  {%- elif part in ('hour', 'minute', 'second') -%}
    ((date_part('epoch', date_trunc('{{ part }}', {{ to }})) - date_part('epoch', date_trunc('{{ part }}', {{ from }}))) / {{ {'hour': 3600, 'minute': 60, 'second': 1}[part] }})
  {%- elif part == 'millisecond' -%}
    floor(date_part('epoch', {{ to }} - {{ from }}) * 1000)
  {%- elif part == 'microsecond' -%}
    floor(date_part('epoch', {{ to }} - {{ from }}) * 1000000)
  {%- else -%}
    {{ exceptions.raise_compiler_error("Unsupported datepart for macro datediff in postgres: '" ~ datepart ~ "'") }}
  {%- endif -%}
{%- endmacro %}

{% macro postgres__last_day(date, datepart) -%}
  {%- if datepart == 'quarter' -%}
  cast({{ dbt.dateadd('day', '-1', dbt.dateadd('month', '3', dbt.date_trunc(datepart, date))) }} as date)
  {%- else -%}
  {{ dbt.default_last_day(date, datepart) }}
  {%- endif -%}
{%- endmacro %}

{% macro postgres__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
  {%- if limit_num -%}
  array_to_string((array_agg({{ measure }} {{ order_by_clause or '' }}))[1:{{ limit_num }}], {{ delimiter_text }})
  {%- else -%}
  string_agg({{ measure }}, {{ delimiter_text }} {{ order_by_clause or '' }})
  {%- endif -%}
{%- endmacro %}

{% macro postgres__split_part(string_text, delimiter_text, part_number) -%}
  {%- if part_number is number and part_number < 0 -%}
  {{ dbt._split_part_negative(string_text, delimiter_text, part_number) }}
  {%- else -%}
  split_part({{ string_text }}, {{ delimiter_text }}, {{ part_number }})
  {%- endif -%}
{%- endmacro %}
`;

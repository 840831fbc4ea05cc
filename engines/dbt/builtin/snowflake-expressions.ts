/** dbt's cross-database macros where Snowflake's SQL differs from the default. */
export const SNOWFLAKE_EXPRESSIONS = String.raw`
{% macro snowflake__current_timestamp() -%}
  convert_timezone('UTC', current_timestamp())
{%- endmacro %}
{% macro snowflake__snapshot_get_time() -%}
  to_timestamp_ntz({{ current_timestamp() }})
{%- endmacro %}
{% macro snowflake__snapshot_string_as_time(timestamp) -%}
  {{ return("to_timestamp_ntz('" ~ timestamp ~ "')") }}
{%- endmacro %}
{% macro snowflake__current_timestamp_backcompat() -%}
  current_timestamp::{{ type_timestamp() }}
{%- endmacro %}
{% macro snowflake__current_timestamp_in_utc_backcompat() -%}
  convert_timezone('UTC', {{ snowflake__current_timestamp_backcompat() }})::{{ type_timestamp() }}
{%- endmacro %}

{% macro snowflake__array_construct(inputs, data_type) -%}
  array_construct({{ inputs | join(' , ') }})
{%- endmacro %}
{% macro snowflake__bool_or(expression) -%}boolor_agg({{ expression }}){%- endmacro %}
{% macro snowflake__cast_bool_to_text(field) -%}to_varchar({{ field }}){%- endmacro %}
{% macro snowflake__safe_cast(field, type) -%}
  {#- try_cast takes texts only -#}
  {%- if (field | string).strip().startswith("'") and (field | string).strip().endswith("'") -%}
  try_cast({{ field }} as {{ type }})
  {%- elif type | lower in ('variant', 'object', 'array') -%}
  to_{{ type | lower }}({{ field }})
  {%- else -%}
  try_cast(({{ field }})::varchar as {{ type }})
  {%- endif -%}
{%- endmacro %}
{% macro snowflake__right(string_text, length_expression) -%}
  case when {{ length_expression }} = 0 then '' else right({{ string_text }}, {{ length_expression }}) end
{%- endmacro %}
{% macro snowflake__escape_single_quotes(expression) -%}
{{ expression | replace('\\', '\\\\') | replace("'", "\\'") }}
{%- endmacro %}
{% macro snowflake__split_part(string_text, delimiter_text, part_number) -%}
  split_part({{ string_text }}, {{ delimiter_text }}, {{ part_number }})
{%- endmacro %}
{% macro snowflake__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
  {%- set order = ' within group (' ~ order_by_clause ~ ')' if order_by_clause else '' -%}
  {%- if limit_num -%}
  array_to_string(array_slice(array_agg({{ measure }}){{ order }}, 0, {{ limit_num }}), {{ delimiter_text }})
  {%- else -%}
  listagg({{ measure }}, {{ delimiter_text }}){{ order }}
  {%- endif -%}
{%- endmacro %}
`;

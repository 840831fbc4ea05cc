{# The first day of the run's interval: behaviour is known before it, outcomes from it on. #}
{% macro first_day() -%}
cast(cast('{{ var("interval_start") }}' as timestamp) as date)
{%- endmacro %}

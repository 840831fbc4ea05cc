{# A share that stays null without a whole. #}
{% macro share(part, whole) -%}
cast({{ part }} as double) / nullif({{ whole }}, 0)
{%- endmacro %}

{# Exact, so that the same rows give the same average in whatever order they are read. #}
{% macro exact_avg(column, digits=4) -%}
round(cast(sum(cast({{ column }} as decimal(18, {{ digits }}))) as double) / count({{ column }}), {{ digits }})
{%- endmacro %}

{# At most `limit`; unlike least(), an unknown value stays unknown. #}
{% macro cap(column, limit) -%}
case when {{ column }} > {{ limit }} then {{ limit }} else {{ column }} end
{%- endmacro %}

{# IBM i's packed date, century first: 1260105 is 2026-01-05 #}
{% macro cyymmdd(column) -%}
make_date(1900 + ({{ column }} // 10000)::int, (({{ column }} // 100) % 100)::int, ({{ column }} % 100)::int)
{%- endmacro %}

-- A customer may stand twice in one system and in both: the record that was written last counts.
with every_record as (
    {% for model in ['stg_web_customers', 'stg_store_customers'] %}
    select * from {{ ref(model) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select *
from every_record
qualify row_number() over (
    partition by customer_id
    order by updated_at desc nulls last, _extracted_at desc, _source_file, _source_position desc
) = 1

-- who changed tier and when, from the history of changes
select
    id as customer_id,
    lag(tier) over (partition by id order by _valid_from) as tier_before,
    tier,
    _valid_from as changed_at
from {{ source('shop', 'customers__history') }}
qualify tier_before is not null and tier_before <> tier
order by changed_at, customer_id

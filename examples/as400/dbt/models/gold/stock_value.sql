select item, description, on_hand, unit_cost, on_hand * unit_cost as value
from {{ ref('stg_inventory') }}
order by item

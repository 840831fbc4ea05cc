select item, on_hand, _valid_from as since, _valid_to as until, _program as program
from {{ source('ibmi', 'inventory_history') }}
order by item, since

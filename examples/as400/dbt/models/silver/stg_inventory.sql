-- the stock as the journal leaves it; an item that was deleted is gone
select item, description, unit_cost, on_hand, _sequence as journal_sequence, _changed_at as changed_at
from {{ source('ibmi', 'inventory_journal') }}

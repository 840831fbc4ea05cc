-- what the journal says last of each item; one that was deleted is gone
with entries as (
    select
        joesd.item as item,
        joesd.description as description,
        joesd.unit_cost as unit_cost,
        joesd.on_hand as on_hand,
        joentt as entry_type,
        joseqn as sequence
    from {{ source('ibmi', 'inventory_journal') }}
    where joentt in ('PT', 'UP', 'DL')
)
select item, description, unit_cost, on_hand, sequence as journal_sequence
from entries
qualify row_number() over (partition by item order by sequence desc) = 1 and entry_type <> 'DL'

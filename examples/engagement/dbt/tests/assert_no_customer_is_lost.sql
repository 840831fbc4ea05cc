-- Joins must neither drop nor multiply customers.
select counts.*
from (
    select
        (select count(*) from {{ ref('int_customers') }}) as known,
        (select count(*) from {{ ref('customer_weekly') }}) as published
) as counts
where known <> published or known = 0

-- revenue by the tier that a customer has now
select
    customers.tier,
    lines.ordered_on,
    count(distinct lines.order_id) as orders,
    sum(lines.quantity * lines.price_eur) as revenue_eur
from {{ ref('stg_order_lines') }} lines
join {{ source('shop', 'customers') }} customers on customers.id = lines.customer_id
group by all
order by all

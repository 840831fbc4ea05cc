-- order lines in euros, at the rate of the day, net of what came back
with returned as (
    select order_id, line_no, sum(quantity) as quantity
    from {{ source('carrier', 'returns') }}
    group by all
)
select
    orders.id as order_id,
    lines.line_no,
    orders.customer_id,
    orders.ordered_at::date as ordered_on,
    lines.product,
    lines.quantity - coalesce(returned.quantity, 0) as quantity,
    round(lines.price * rates.euros, 2) as price_eur
from {{ source('shop', 'order_lines') }} lines
join {{ source('shop', 'orders') }} orders on orders.id = lines.order_id
left join returned on returned.order_id = lines.order_id and returned.line_no = lines.line_no
left join {{ source('rates', 'daily') }} rates
    on rates.day = orders.ordered_at::date and rates.currency = orders.currency
where orders.status <> 'cancelled'

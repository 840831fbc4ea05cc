-- What a customer did before the interval's first day. Counts of robots and amounts in the wrong unit are capped.
with capped as (
    select
        customer_id,
        {{ cap('sessions_7d', 100) }} as sessions_7d,
        {{ cap('sessions_28d', 300) }} as sessions_28d,
        purchases_28d,
        {{ cap('cast(spend_28d as double)', 5000) }} as spend_28d,
        {{ cap('cast(avg_basket as double)', 2000) }} as avg_basket,
        support_tickets_90d,
        days_since_last_visit,
        discount_share,
        returns_share
    from {{ ref('int_customers') }}
)

select
    customer_id,
    sessions_7d,
    sessions_28d,
    (4 * sessions_7d - sessions_28d) / cast(sessions_28d + 4 as double) as momentum,
    purchases_28d,
    {{ share('purchases_28d', 'sessions_28d') }} as conversion,
    ln(1 + spend_28d) as log_spend_28d,
    ln(1 + avg_basket) as log_basket,
    support_tickets_90d,
    days_since_last_visit,
    -- nobody was seen for 16 weeks: that is known, unlike a lost value of somebody who came this month
    days_since_last_visit is null and sessions_28d = 0 as long_gone,
    discount_share,
    returns_share,
    spend_28d * discount_share as discounted_spend_28d
from capped

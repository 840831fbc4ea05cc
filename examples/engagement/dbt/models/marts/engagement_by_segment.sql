select
    {{ first_day() }} as week,
    region,
    channel,
    plan,
    count(*) as customers,
    count(engaged_7d) as observed,
    coalesce(sum(engaged_7d), 0) as engaged,
    {{ share('sum(engaged_7d)', 'count(engaged_7d)') }} as engagement_rate,
    {{ exact_avg('sessions_28d') }} as avg_sessions_28d,
    {{ exact_avg('momentum') }} as avg_momentum
from {{ ref('customer_weekly') }}
group by region, channel, plan
order by region, channel, plan

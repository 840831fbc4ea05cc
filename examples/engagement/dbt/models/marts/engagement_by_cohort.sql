-- Do the customers of a year stay? Cohorts are years of sign-up.
select
    {{ first_day() }} as week,
    year(customers.signup_date) as signup_year,
    count(*) as customers,
    count(*) filter (where weekly.sessions_28d > 0) as active,
    coalesce(sum(weekly.engaged_7d), 0) as engaged,
    {{ share('sum(weekly.engaged_7d)', 'count(weekly.engaged_7d)') }} as engagement_rate
from {{ ref('customer_weekly') }} as weekly
inner join {{ ref('int_customers') }} as customers using (customer_id)
group by year(customers.signup_date)
order by signup_year

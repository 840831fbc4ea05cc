-- Who a customer is, as of the interval's first day.
select
    customers.customer_id,
    customers.country,
    countries.region,
    customers.channel,
    customers.plan,
    customers.referral_source,
    customers.newsletter,
    try_cast(split_part(customers.app_version, '.', 1) as integer) as app_major,
    -- 1900 is what an empty form sends, not an age
    case
        when year(customers.birth_date) > 1900
            then date_diff('day', customers.birth_date, {{ first_day() }}) / 365.25
    end as age_years,
    date_diff('day', customers.signup_date, {{ first_day() }}) as tenure_days,
    month(customers.signup_date) as signup_month
from {{ ref('int_customers') }} as customers
left join {{ ref('int_countries') }} as countries using (country)

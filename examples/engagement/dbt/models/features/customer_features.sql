-- One row a customer; nothing in it was known only after the interval began.
select
    profile.*,
    behaviour.* exclude (customer_id),
    month({{ first_day() }}) as month_of_year
from {{ ref('customer_profile') }} as profile
inner join {{ ref('customer_behaviour') }} as behaviour using (customer_id)

-- What the predictor is trained from and what it scores. `engaged_7d` is null where the outcome was not observed.
select
    features.*,
    customers.engaged_7d
from {{ ref('customer_features') }} as features
inner join {{ ref('int_customers') }} as customers using (customer_id)
order by customer_id

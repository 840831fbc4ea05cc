-- A customer who signs up during the interval has no business in its features.
select customer_id, tenure_days
from {{ ref('customer_profile') }}
where tenure_days <= 0

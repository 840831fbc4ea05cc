-- each version of a customer, with the days on which it was the one in force
select
    cust_id as customer_id,
    cust_name as name,
    cust_city as city,
    cust_country as country,
    cust_since as customer_since,
    credit_limit,
    cust_status = 'A' as is_active,
    _valid_from as valid_from,
    _valid_to as valid_to,
    _is_current as is_current
from {{ source('ibmi', 'customers') }}

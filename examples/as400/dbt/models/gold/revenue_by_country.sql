select
    customers.country,
    sales.sold_on,
    count(distinct sales.sale_no) as sales,
    sum(sales.amount) as revenue
from {{ ref('stg_sale_lines') }} sales
join {{ ref('stg_customers') }} customers
    on customers.customer_id = sales.customer_id and customers.is_current
group by all
order by all

-- a line belongs to the header of its number
with headers as (
    select sale_no, sale_header.* from {{ source('ibmi', 'sales') }} where rec_type = 'H'
),
lines as (
    select sale_no, sale_line.* from {{ source('ibmi', 'sales') }} where rec_type = 'L'
)
select
    lines.sale_no,
    lines.line_no,
    headers.cust_id as customer_id,
    headers.sale_date as sold_on,
    headers.store,
    lines.item,
    lines.quantity,
    lines.price,
    lines.quantity * lines.price as amount
from lines
join headers using (sale_no)

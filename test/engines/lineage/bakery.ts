import type { Files } from '../dbt/project.js';

/** A small shop: seeds as sources, staging views, an ephemeral model, marts, a snapshot, tests, a group, an exposure. */
export const BAKERY: Files = {
  'dbt_project.yml':
    'name: bakery\nseeds: {+schema: raw}\nmodels: {bakery: {marts: {+materialized: table}}}\n',
  'seeds/raw_customers.csv': 'id,name\n1,Ada\n2,Ben\n',
  'seeds/raw_orders.csv': 'id,customer,store,placed_at\n10,1,7,2024-01-02\n11,1,7,2024-01-05\n',
  'seeds/raw_items.csv': 'id,order_id,sku,cents\n100,10,roll,150\n101,10,cake,900\n102,11,roll,150\n',
  'seeds/raw_products.csv': 'sku,title,kind\nroll,Bread roll,bread\ncake,Plum cake,sweet\n',
  'models/staging/sources.yml': `
sources:
  - name: till
    schema: main_raw
    tables: [{name: raw_customers}, {name: raw_orders}, {name: raw_items}, {name: raw_products}]
`,
  'models/staging/stg_customers.sql':
    "select id as customer_id, name as customer_name from {{ source('till', 'raw_customers') }}",
  'models/staging/stg_orders.sql': `
with source as (select * from {{ source('till', 'raw_orders') }})
select id as order_id, customer as customer_id, store as store_id, placed_at::date as placed_on from source`,
  'models/staging/stg_items.sql':
    "select id as item_id, order_id, sku, cents / 100.0 as price from {{ source('till', 'raw_items') }}",
  'models/staging/stg_products.sql': `
select sku, title as product_name, kind = 'bread' as is_bread from {{ source('till', 'raw_products') }}`,
  'models/staging/priced_items.sql': `
{{ config(materialized='ephemeral') }}
select i.*, p.product_name, p.is_bread from {{ ref('stg_items') }} i left join {{ ref('stg_products') }} p using (sku)`,
  'models/marts/orders.sql': `
with totals as (
  select order_id, sum(price) as total, count(item_id) as items, sum(case when is_bread then 1 else 0 end) as breads
  from {{ ref('priced_items') }} group by 1
)
select
  o.*,
  coalesce(t.total, 0) as total,
  t.items,
  t.breads > 0 as has_bread,
  row_number() over (partition by o.customer_id order by o.placed_on) as visit
from {{ ref('stg_orders') }} o left join totals t using (order_id)`,
  'models/marts/customers.sql': `
with spent as (
  select customer_id, min(placed_on) as first_on, sum(total) as lifetime, count(*) as orders
  from {{ ref('orders') }} group by customer_id
)
select c.*, spent.* exclude (customer_id), case when orders > 1 then 'regular' else 'guest' end as kind
from {{ ref('stg_customers') }} c left join spent on spent.customer_id = c.customer_id`,
  'models/marts/names.sql': `
select 'customer' as what, customer_name as name from {{ ref('stg_customers') }}
union all
select 'product', product_name from {{ ref('stg_products') }}`,
  'models/marts/marts.yml': `
groups: [{name: money, owner: {name: Mina, email: mina@example.com}}]
models:
  - name: orders
    description: One row for each order. **Money** is in euros.
    config: {group: money}
    columns:
      - {name: order_id, description: the till's number, data_tests: [unique, not_null]}
  - name: customers
exposures:
  - {name: board, type: dashboard, owner: {name: Mina}, depends_on: ["ref('customers')"]}
`,
  'snapshots/customers_then.sql': `
{% snapshot customers_then %}
{{ config(unique_key='customer_id', strategy='check', check_cols='all') }}
select * from {{ ref('stg_customers') }}
{% endsnapshot %}`,
};

/** Where each column of the marts comes from in the end: `~` worked out, `+` over rows, `?` only decides. */
export const BAKERY_MARTS: Record<string, Record<string, string[]>> = {
  orders: {
    order_id: ['raw_orders.id'],
    customer_id: ['raw_orders.customer'],
    store_id: ['raw_orders.store'],
    placed_on: ['~raw_orders.placed_at'],
    total: ['+raw_items.cents'],
    items: ['+raw_items.id'],
    has_bread: ['?raw_products.kind'],
    visit: ['?raw_orders.customer', '?raw_orders.placed_at'],
  },
  customers: {
    customer_id: ['raw_customers.id'],
    customer_name: ['raw_customers.name'],
    first_on: ['+raw_orders.placed_at'],
    lifetime: ['+raw_items.cents'],
    orders: [],
    kind: [],
  },
  names: {
    what: [],
    name: ['raw_customers.name', 'raw_products.title'],
  },
};

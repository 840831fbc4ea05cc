/** The dbt project of a new project, by path. */
export const dbtFiles = (name: string): Record<string, string> => ({
  'dbt/dbt_project.yml': `name: ${name}
version: '1.0'
config-version: 2
profile: millrace

model-paths: [models]
test-paths: [tests]

models:
  ${name}:
    staging:
      +materialized: view
    marts:
      +materialized: table
`,

  'dbt/models/sources.yml': `version: 2

sources:
  - name: shop
    description: The tills' files, one a day
    schema: shop
    tables:
      - name: orders
`,

  'dbt/models/staging/stg_orders.sql': `-- a file that was delivered again replaces what it had brought before
select
    order_id,
    ordered_at,
    cast(ordered_at as date) as order_date,
    customer,
    city,
    product,
    quantity,
    amount,
    status
from {{ source('shop', 'orders') }}
qualify row_number() over (partition by order_id order by _extracted_at desc, _source_position desc) = 1
`,

  'dbt/models/staging/staging.yml': `version: 2

models:
  - name: stg_orders
    description: One row for each order
    columns:
      - name: order_id
        data_tests: [unique, not_null]
      - name: ordered_at
        data_tests: [not_null]
      - name: status
        data_tests:
          - accepted_values:
              arguments:
                values: [paid, returned]
`,

  'dbt/models/marts/daily_revenue.sql': `select
    order_date,
    city,
    count(*) as orders,
    count(distinct customer) as customers,
    sum(quantity) as items,
    sum(amount) as revenue
from {{ ref('stg_orders') }}
where status = 'paid'
group by order_date, city
`,

  'dbt/models/marts/marts.yml': `version: 2

models:
  - name: daily_revenue
    description: What was sold, by day and city; returned orders do not count
    columns:
      - name: order_date
        data_tests: [not_null]
      - name: city
        data_tests: [not_null]
      - name: revenue
        data_tests: [not_null]
`,

  'dbt/tests/assert_revenue_is_complete.sql': `-- finds something when the mart and the orders it is made of disagree
select *
from (
    select
        (select sum(revenue) from {{ ref('daily_revenue') }}) as in_mart,
        (select sum(amount) from {{ ref('stg_orders') }} where status = 'paid') as in_orders
)
where in_mart is distinct from in_orders
`,
});

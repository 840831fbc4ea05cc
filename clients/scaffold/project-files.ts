import { SAMPLE_DAYS } from './sample-orders.js';

const FIRST = SAMPLE_DAYS[0] ?? '';

/** Range of all sample days, its end excluded. */
export const SAMPLE_RANGE = `${FIRST}..2025-09-05`;

/**
 * The files of a new project but for its data and its dbt folder, by path.
 * @param types path from the project to the declarations of this package, or null where `node_modules` has them
 */
export const projectFiles = (name: string, types: string | null): Record<string, string> => ({
  'millrace.ts': `import { csv, project } from 'millrace';

export default project({
  name: '${name}',

  sources: {
    shop: {
      kind: 'files',
      root: 'data',
      streams: {
        orders: {
          path: 'orders/{start:yyyy-MM-dd}.csv',
          format: csv(),
          // a record that cannot be read is kept aside, up to this share of a file
          tolerance: 0.05,
          columns: {
            order_id: { type: 'int64', required: true },
            ordered_at: { type: 'timestamp', required: true },
            customer: 'text',
            city: 'text',
            product: 'text',
            quantity: 'int32',
            amount: 'decimal(10,2)',
            status: 'text',
          },
        },
      },
    },
  },

  transform: { dir: 'dbt' },

  pipelines: {
    daily: { cadence: 'day', extract: ['shop.orders'] },
  },

  schedules: {
    daily: { pipeline: 'daily', cron: '0 6 * * *', timezone: 'UTC' },
  },
});
`,

  'tsconfig.json':
    JSON.stringify(
      {
        compilerOptions: {
          ...{ target: 'ES2022', module: 'ESNext', moduleResolution: 'Bundler', strict: true, noEmit: true },
          ...{ skipLibCheck: true, types: [] },
          ...(types && { paths: { millrace: [types] } }),
        },
        include: ['*.ts'],
      },
      null,
      2,
    ) + '\n',

  '.gitignore': `.millrace/
node_modules/
`,

  'README.md': `# ${name}

Orders of a few cafés, one file a day, into a table of daily revenue.

\`\`\`sh
millrace run daily -i ${FIRST}                    # one day
millrace backfill start daily ${SAMPLE_RANGE}   # every day there is a file for
\`\`\`

| where | what |
| --- | --- |
| \`millrace.ts\` | the project: sources, pipelines, schedules. The editor completes it |
| \`data/orders/\` | the files, one for each day. 2025-09-03 has a record that cannot be read: see it quarantined |
| \`dbt/models/\` | SQL: \`stg_orders\` (one row for each order) and \`daily_revenue\` |
| \`dbt/tests/\` | what must hold before a table is published |
| \`.millrace/\` | lake and warehouse; made by running it, and safe to delete |

\`millrace up\` keeps Temporal and a worker running, with a UI for every run; then \`millrace schedule diff\` shows what
\`millrace schedule apply\` would set up on it.
`,
});

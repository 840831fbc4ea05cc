import { csv, project } from 'millrace';

export default project({
  name: 'engagement',

  sources: {
    crm: {
      kind: 'files',
      root: 'data',
      streams: {
        web_customers: {
          path: 'customers/{start:yyyy-MM-dd}/web.csv',
          // named, not guessed: one damaged record must not turn the whole file into another encoding
          format: csv({ encoding: 'utf-8', nulls: ['NULL'] }),
          tolerance: 0.01,
          columns: {
            customer_id: { type: 'text', required: true },
            full_name: 'text',
            email: 'text',
            birth_date: 'date',
            signup_date: 'date',
            country: 'text',
            city: 'text',
            channel: 'text',
            plan: 'text',
            referral_source: 'text',
            newsletter: 'boolean',
            app_version: 'text',
            sessions_7d: 'int32',
            sessions_28d: 'int32',
            purchases_28d: 'int32',
            spend_28d: 'decimal(12,2)',
            avg_basket: 'decimal(12,2)',
            support_tickets_90d: 'int32',
            days_since_last_visit: 'int32',
            discount_share: 'double',
            returns_share: 'double',
            updated_at: 'timestamp',
            snapshot_week: { type: 'date', required: true },
            engaged_7d: 'int32',
          },
        },
        store_customers: {
          path: 'customers/{start:yyyy-MM-dd}/stores.csv*',
          format: csv({ encoding: 'windows-1252', delimiter: ';', nulls: ['n/a'] }),
          tolerance: 0.01,
          columns: {
            customer_id: { type: 'text', from: 'customer_no', required: true },
            full_name: { type: 'text', from: 'name' },
            email: { type: 'text', from: 'mail' },
            birth_date: { type: 'date', from: 'born', formats: ['%d/%m/%Y', '%Y-%m-%d', '%d %b %Y'] },
            signup_date: { type: 'date', from: 'joined', formats: ['%d/%m/%Y', '%Y-%m-%d', '%d %b %Y'] },
            country: 'text',
            city: 'text',
            plan: { type: 'text', from: 'tariff' },
            referral_source: { type: 'text', from: 'referral' },
            newsletter: 'text',
            store_id: 'text',
            sessions_7d: { type: 'int32', from: 'visits_7d' },
            sessions_28d: { type: 'int32', from: 'visits_28d' },
            purchases_28d: 'int32',
            spend_28d: 'decimal(12,2)',
            avg_basket: 'decimal(12,2)',
            support_tickets_90d: { type: 'int32', from: 'tickets_90d' },
            days_since_last_visit: { type: 'int32', from: 'last_visit_days' },
            discount_share: 'double',
            returns_share: 'double',
            updated_at: { type: 'timestamp', from: 'changed_at', formats: ['%d/%m/%Y %H:%M'] },
            snapshot_week: { type: 'date', required: true },
            engaged_7d: 'int32',
          },
        },
      },
    },
  },

  transform: { dir: 'dbt' },

  predictors: {
    engagement: {
      task: 'binary',
      relation: 'customer_weekly',
      id: 'customer_id',
      label: 'engaged_7d',
      // one value within a week: reports use it, trees cannot
      exclude: ['month_of_year'],
      params: {
        rounds: 300,
        depth: 4,
        learningRate: 0.1,
        subsample: 0.9,
        columnSample: 0.8,
        minChildWeight: 5,
      },
      gate: { min: { auc: 0.75 }, beatsChampion: { metric: 'auc', by: 0 } },
      approval: { approvers: ['ana@example.com'], timeout: '24h' },
    },
  },

  pipelines: {
    // a file covers the week from its Monday in UTC, so the interval is cut in UTC, too
    weekly: {
      cadence: 'week',
      extract: ['crm.*'],
      transform: true,
      train: ['engagement'],
      score: ['engagement'],
    },
  },

  schedules: {
    weekly: {
      pipeline: 'weekly',
      cron: '0 6 * * 1',
      timezone: 'Europe/Berlin',
      note: 'The files of a week arrive on Sunday night',
    },
  },
});

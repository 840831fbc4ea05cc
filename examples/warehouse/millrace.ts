import { csv, project } from 'millrace';

export default project({
  name: 'warehouse',

  sources: {
    // the shop's own database: every change, as it happens
    shop: {
      kind: 'postgres',
      url: 'env:SHOP_DATABASE_URL',
      streams: {
        customers: { load: 'cdc' },
        orders: { load: 'cdc' },
        order_lines: { load: 'cdc' },
      },
    },
    // what a currency was worth on a day, from an API that gives pages
    rates: {
      kind: 'rest',
      baseUrl: process.env['RATES_URL'] ?? 'http://127.0.0.1:8080',
      auth: { kind: 'bearer', token: 'env:RATES_TOKEN' },
      allowPrivate: ['127.0.0.1'],
      streams: {
        daily: {
          path: '/v1/rates',
          params: { day: '{start:yyyy-MM-dd}' },
          records: 'rates',
          pagination: { kind: 'cursor', cursor: 'after', next: 'next' },
          columns: { day: 'date', currency: 'text', euros: 'decimal(18,8)' },
        },
      },
    },
    // parcels that came back, as the carrier sends them
    carrier: {
      kind: 'files',
      root: 'incoming',
      streams: {
        returns: {
          path: 'returns-{start:yyyy-MM-dd}.csv',
          format: csv({ delimiter: ';' }),
          columns: {
            order_id: { type: 'int64', required: true },
            line_no: 'int32',
            quantity: 'int32',
            reason: 'text',
          },
          tolerance: 0.05,
        },
      },
    },
  },

  transform: { dir: 'dbt' },

  pipelines: {
    daily: { cadence: 'day', extract: ['shop.*', 'rates.*', 'carrier.*'] },
  },
});

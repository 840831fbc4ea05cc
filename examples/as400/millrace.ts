import { copybook, journal, project, sftp } from 'millrace';

/** The files' CCSID, as DSPFD shows it. */
const ccsid = 37;
const fixed = (name: string) => copybook(`copybooks/${name}.cpy`, { record_format: 'F', ccsid });

/** Packed dates of seven digits, century first; 0 and 9999999 stand for none. */
const packedDate = { type: 'date', formats: ['CYYMMDD'], nulls: [0, 9_999_999] };

export default project({
  name: 'as400',

  sources: {
    // a nightly export of physical files, with a marker beside each file that is complete
    ibmi: {
      kind: 'files',
      root: sftp({
        host: process.env['IBMI_HOST'] ?? '127.0.0.1',
        port: Number(process.env['IBMI_PORT'] ?? 22),
        user: 'millrace',
        password: 'env:IBMI_PASSWORD',
        hostKey: process.env['IBMI_HOST_KEY'] ?? 'SHA256:unknown',
        folder: 'export',
        complete: { marker: '{file}.done' },
      }),
      streams: {
        customers: {
          path: '{start:yyyyMMdd}/CUSTMAST',
          format: fixed('customer'),
          columns: { cust_since: packedDate },
          disposition: { scd2: ['cust_id'] },
        },
        sales: {
          path: '{start:yyyyMMdd}/SALES',
          // variable length: each record has its length in front, and one of two layouts
          format: copybook('copybooks/sale.cpy', {
            record_format: 'V',
            is_rdw_big_endian: true,
            is_rdw_part_of_record_length: true,
            ccsid,
            segment_field: 'REC-TYPE',
            'redefine_segment_id_map:0': 'SALE-HEADER => H',
            'redefine_segment_id_map:1': 'SALE-LINE => L',
          }),
          columns: { 'sale_header.sale_date': packedDate },
          // a record that cannot be read is kept aside, one in a hundred at most
          tolerance: 0.01,
        },
        inventory: {
          path: '{start:yyyyMMdd}/INVENT',
          format: fixed('inventory'),
          disposition: { merge: ['item'] },
        },
        // what was done to the inventory since, entry by entry: the stock of now is the last of each item
        inventory_journal: {
          path: '{start:yyyyMMdd}/INVJRN',
          format: journal({
            copybooks: 'copybooks/inventory.cpy',
            objects: 'PRODLIB/INVENT',
            dateOrder: 'ymd',
            options: { ccsid },
          }),
          disposition: { merge: ['item'] },
        },
        // the same entries with every version of an item, and when it held
        inventory_history: {
          path: '{start:yyyyMMdd}/INVJRN',
          format: journal({
            copybooks: 'copybooks/inventory.cpy',
            objects: 'PRODLIB/INVENT',
            dateOrder: 'ymd',
            options: { ccsid },
          }),
          disposition: { scd2: ['item'] },
        },
      },
    },
  },

  transform: { dir: 'dbt' },

  pipelines: {
    daily: { cadence: 'day', extract: ['ibmi.*'] },
  },

  schedules: {
    nightly: { pipeline: 'daily', timezone: 'UTC', calendars: [{ hour: '3', comment: 'after the export' }] },
  },
});

import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { resultOf, startRun } from '../../clients/runs.js';
import { withFaults } from '../support/shop-run.js';
import { makeTransform } from '../support/transform-project.js';

interface Told {
  eventType: string;
  job: { name: string };
  outputs: { name: string; facets: { columnLineage?: { fields: Record<string, unknown> } } }[];
}

const project = makeTransform({
  'models/orders.sql':
    "{{ config(materialized='table') }} select i as id, i * 2 as amount from range(5) t(i)",
  'models/totals.sql': 'select sum(amount) as total from {{ ref("orders") }}',
});
const told: Told[] = [];
const server: Server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString()));
  request.on('end', () => {
    told.push(JSON.parse(body) as Told);
    response.writeHead(201).end();
  });
});
afterAll(() => {
  server.close();
  project.remove();
});

test(
  'a place for lineage that is down fails no run, and has its events with the next one',
  { timeout: 60_000 },
  async () => {
    // a port that is known and closed: the server comes up there later
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    const lineage = `lineage: { url: 'http://127.0.0.1:${port}/api/v1/lineage', timeout: '2s' }`;
    writeFileSync(
      join(project.root, 'millrace.mjs'),
      `export default { name: 'telling', transform: {}, pipelines: { all: {} }, ${lineage} };\n`,
    );
    await withFaults(project.root, [], async ({ client }) => {
      const run = async (interval: string) =>
        (await resultOf(client, await startRun(client, project.root, { pipeline: 'all', interval })))
          .transform;
      const first = await run('2026-01-05');
      expect(first).toMatchObject({ built: 2, failed: [] });
      expect(first?.warnings.join()).toMatch(/lineage: \d+ events wait/);
      expect(told).toEqual([]);

      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      const second = await run('2026-01-06');
      expect(second).toMatchObject({ reused: 2, failed: [], warnings: [] });
    });
    const ends = told.filter(({ eventType }) => eventType === 'COMPLETE').map(({ job }) => job.name);
    expect(ends.filter((name) => name.endsWith('.transform'))).toHaveLength(2);
    const totals = told.find(({ job, eventType }) => job.name.endsWith('totals') && eventType === 'COMPLETE');
    expect(totals?.outputs[0]?.facets.columnLineage?.fields).toMatchObject({
      total: { inputFields: [{ field: 'amount' }] },
    });
  },
);

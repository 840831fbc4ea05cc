import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

export interface Probes {
  registry: Registry;
  /** where the Temporal SDK exports its own metrics */
  sdkMetricsUrl: string;
  healthy: () => boolean;
  ready: () => boolean;
}

/** `/metrics` (ours and the SDK's on one page), `/healthz` and `/readyz`. */
export async function serveProbes(
  host: string,
  port: number,
  probes: Probes,
): Promise<{ url: string; close: () => void }> {
  const server: Server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const answer = (status: number, body: string, type = 'text/plain'): void => {
      response.writeHead(status, { 'content-type': type }).end(body);
    };
    if (path === '/healthz') answer(probes.healthy() ? 200 : 503, probes.healthy() ? 'ok' : 'unhealthy');
    else if (path === '/readyz') answer(probes.ready() ? 200 : 503, probes.ready() ? 'ready' : 'starting');
    else if (path === '/metrics') {
      void Promise.all([probes.registry.metrics(), sdkMetrics(probes.sdkMetricsUrl)]).then(
        ([own, sdk]) => answer(200, `${own}\n${sdk}`, probes.registry.contentType),
        (error: unknown) => answer(500, String(error)),
      );
    } else answer(404, 'not found');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  return { url: `http://${host}:${address.port}`, close: () => server.close() };
}

async function sdkMetrics(url: string): Promise<string> {
  // the exporter belongs to this process; when it does not answer, our own figures still count
  const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
  return answer?.ok ? await answer.text() : '';
}

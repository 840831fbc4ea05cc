import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, resolve, sep } from 'node:path';
import { writeCatalog, type CatalogArtifact } from '../../../../engines/dbt/artifacts/catalog.js';
import { manifestArtifact } from '../../../../engines/dbt/artifacts/manifest.js';
import { writeDocs } from '../../../../engines/lineage/docs-page.js';
import { MillraceError } from '../../../../schemas/errors.js';
import { compileNodes, type Compilation } from '../../../dbt/compile-nodes.js';
import { DBT_EXIT, exitOf } from '../../../dbt/exit.js';
import { writeArtifacts } from '../../../dbt/finish.js';
import type { Invocation } from '../../../dbt/invocation.js';
import { withProject, type Opened } from '../../../dbt/open.js';
import { text } from '../../../dbt/settings.js';
import { TargetFolder } from '../../../dbt/write-target.js';

/** `docs generate`: manifest.json, catalog.json, and one page that shows them with the lineage of columns. */
export function generate(invocation: Invocation): Promise<number> {
  const { settings, log } = invocation;
  return withProject(invocation, { command: 'docs generate', planned: false }, async (opened) => {
    const { environment, warehouse, signal } = opened;
    const { plan, records, reporter, seconds } = await compiled(invocation, opened);
    const code = exitOf(records.map(({ result }) => result.status));
    if (code !== DBT_EXIT.ok) reporter?.end(plan, records, seconds);
    writeArtifacts(invocation, environment, new TargetFolder(settings.target), records, seconds);
    let catalog: CatalogArtifact | null = null;
    if (settings.given['empty_catalog'] !== true) {
      log.info('Building catalog');
      catalog = await writeCatalog(environment, warehouse, settings.target, signal);
      for (const error of catalog.errors ?? []) log.warn(error);
      log.info(`Catalog written to ${join(settings.target, 'catalog.json')}`);
    }
    const manifest = manifestArtifact(
      environment,
      new Map(records.map((record) => [record.result.id, record])),
    );
    log.info(`Page written to ${await writeDocs({ manifest, catalog, folder: settings.target })}`);
    return code;
  });
}

/** Lineage is read from compiled SQL; without it the page shows the graph of models only. */
async function compiled(
  invocation: Invocation,
  opened: Opened,
): Promise<Omit<Compilation, 'reporter'> & Partial<Compilation>> {
  if (invocation.settings.given['compile'] !== false) return compileNodes(invocation, opened);
  return { plan: opened.transform.plan(), records: [], seconds: 0 };
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.json': 'application/json',
  '.sql': 'text/plain; charset=utf-8',
};
const PORT = 8080;

/** `docs serve`: the target folder over HTTP, until Ctrl-C. */
export async function serve({ settings, log }: Invocation): Promise<number> {
  const folder = settings.target;
  if (!existsSync(join(folder, 'index.html')))
    throw new MillraceError('ObjectMissing', {
      what: 'There is no page to serve',
      where: { file: join(folder, 'index.html') },
      fix: 'Make it first: millrace dbt docs generate',
    });
  const host = text(settings.given, 'host') ?? '127.0.0.1';
  const port = typeof settings.given['port'] === 'number' ? settings.given['port'] : PORT;
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    const file = resolve(folder, `.${path === '/' ? '/index.html' : path}`);
    const inside = file.startsWith(`${resolve(folder)}${sep}`) && extname(file) in TYPES && existsSync(file);
    if (!inside) return void response.writeHead(404).end('not found');
    response.writeHead(200, { 'content-type': TYPES[extname(file)] });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((listening, failed) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      failed(
        new MillraceError('PortInUse', {
          what: `Port ${port} of ${host} cannot be listened on: ${cause.code ?? cause.message}`,
          fix: 'Name another by --port',
          cause,
        }),
      ),
    );
    server.listen(port, host, listening);
  });
  const address = server.address();
  const open = typeof address === 'object' && address ? address.port : port;
  log.answer(`Serving docs at http://${host}:${open}  (Ctrl-C ends it)`);
  await new Promise<void>((stop) => process.once('SIGINT', () => stop()).once('SIGTERM', () => stop()));
  server.closeAllConnections();
  server.close();
  return DBT_EXIT.ok;
}

import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, resolve, sep } from 'node:path';
import { writeCatalog } from '../../../../engines/dbt/artifacts/catalog.js';
import { MillraceError } from '../../../../schemas/errors.js';
import { compileNodes } from '../../../dbt/compile-nodes.js';
import { DBT_EXIT, exitOf } from '../../../dbt/exit.js';
import { writeArtifacts } from '../../../dbt/finish.js';
import type { Invocation } from '../../../dbt/invocation.js';
import { withProject } from '../../../dbt/open.js';
import { text } from '../../../dbt/settings.js';
import { TargetFolder } from '../../../dbt/write-target.js';

/** `docs generate`: manifest.json and catalog.json. */
export function generate(invocation: Invocation): Promise<number> {
  const { settings, log } = invocation;
  return withProject(invocation, { command: 'docs generate', planned: false }, async (opened) => {
    const { environment, warehouse, signal } = opened;
    let code: number = DBT_EXIT.ok;
    if (settings.given['compile'] !== false) {
      const { plan, records, reporter, seconds } = await compileNodes(invocation, opened);
      code = exitOf(records.map(({ result }) => result.status));
      if (code !== DBT_EXIT.ok) reporter.end(plan, records, seconds);
      writeArtifacts(invocation, environment, new TargetFolder(settings.target), records, seconds);
    }
    if (settings.given['empty_catalog'] !== true) {
      log.info('Building catalog');
      const { errors } = await writeCatalog(environment, warehouse, settings.target, signal);
      for (const error of errors ?? []) log.warn(error);
      log.info(`Catalog written to ${join(settings.target, 'catalog.json')}`);
    }
    return code;
  });
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

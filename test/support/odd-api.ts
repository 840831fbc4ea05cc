import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What a route sees of a request. */
export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: string;
  /** requests to this route before this one */
  before: number;
}

/** JSON, or what the route does to the socket itself; `undefined` leaves the answer to it. */
export type Route = (asked: Asked, response: ServerResponse) => unknown;

/**
 * An HTTP server on loopback whose routes answer as they are told, well or badly. Whatever a route returns is sent as
 * JSON; a route that has begun an answer by itself, or cut the connection, returns nothing.
 */
export class OddApi {
  readonly asked: Asked[] = [];
  private readonly routes = new Map<string, Route>();

  private constructor(private readonly server: Server) {}

  static async open(): Promise<OddApi> {
    const server = createServer();
    const api = new OddApi(server);
    server.on('request', (request, response) => void api.answer(request, response));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return api;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  on(path: string, route: Route): this {
    this.routes.set(path, route);
    return this;
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(() => done()));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    const before = this.asked.filter(({ path }) => path === pathname).length;
    const { method = 'GET', headers } = request;
    const asked = { method, path: pathname, query: searchParams, headers, body: await text(request), before };
    this.asked.push(asked);
    const route = this.routes.get(pathname);
    const answer = route ? await route(asked, response) : status(response, 404, { message: 'no such route' });
    if (answer === undefined || response.headersSent || response.destroyed) return;
    response.setHeader('content-type', 'application/json');
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  }
}

/** Answers with a status, headers, and a body as JSON or text. */
export function status(
  response: ServerResponse,
  code: number,
  body: unknown = '',
  headers: Record<string, string> = {},
): void {
  const isText = typeof body === 'string';
  response.writeHead(code, { 'content-type': isText ? 'text/html' : 'application/json', ...headers });
  response.end(isText ? body : JSON.stringify(body));
}

/** Sends the beginning of an answer and cuts the connection. */
export function cut(response: ServerResponse, start: string): void {
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': String(start.length + 1000),
  });
  response.write(start, () => response.destroy());
}

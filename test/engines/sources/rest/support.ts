import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import { RestSource } from '../../../../schemas/rest.js';
import type { ObjectStore } from '../../../../engines/lake/store.js';
import { openLocalStore } from '../../../../engines/lake/local-store.js';
import type { LoadContext } from '../../../../engines/sources/connector.js';
import type { CursorState } from '../../../../engines/sources/rest/cursor.js';
import { fetchEndpoint, type Fetched } from '../../../../engines/sources/rest/fetch.js';
import { OddApi } from '../../../support/odd-api.js';

export const INTERVAL = { start: '2025-01-06T00:00:00Z', end: '2025-01-13T00:00:00Z' };
/** What no error, no progress and no file may hold. */
export const CANARY = 'c4n4ry/s3cr+t"x';
export const SECRETS: Record<string, string> = { 'env:KEY': CANARY, 'env:USER': 'ann', 'env:ID': 'client:1' };

export type SourceInput = Partial<Omit<z.input<typeof RestSource>, 'streams' | 'kind'>>;
export type StreamInput = Partial<z.input<typeof RestSource>['streams'][string]>;

export interface Loaded extends Fetched {
  lines: string[];
  rows: Record<string, unknown>[];
  childRows: Record<string, Record<string, unknown>[]>;
}

/** An API that misbehaves, a lake and a work folder for one test. */
export class Bench {
  readonly progress: Record<string, unknown>[] = [];
  readonly abort = new AbortController();

  private constructor(
    readonly root: string,
    readonly api: OddApi,
    readonly lake: ObjectStore,
  ) {}

  static async open(): Promise<Bench> {
    const root = await mkdtemp(join(tmpdir(), 'millrace-rest-'));
    return new Bench(root, await OddApi.open(), await openLocalStore(join(root, 'lake')));
  }

  source(stream: StreamInput = {}, source: SourceInput = {}): RestSource {
    return RestSource.parse({
      ...{ kind: 'rest', baseUrl: `${this.api.url}/v1`, allowPrivate: ['127.0.0.1'], timeout: '2s' },
      ...source,
      streams: { orders: { path: 'orders', ...stream } },
    });
  }

  context(): Omit<LoadContext, 'batches' | 'extractedAt' | 'run' | 'workDir'> {
    return {
      ...{ source: 'shop', stream: 'orders', interval: INTERVAL, root: this.root, lake: this.lake },
      ...{
        signal: this.abort.signal,
        onProgress: (one: Record<string, unknown>) => void this.progress.push(one),
      },
      secret: async (reference: string) => SECRETS[reference] ?? '',
    };
  }

  /** Reads `/v1/orders`. */
  async fetch(
    stream: StreamInput = {},
    more: SourceInput = {},
    cursor: CursorState = { value: null, ties: [] },
  ): Promise<Loaded> {
    const source = this.source(stream, more);
    const folder = await mkdtemp(join(this.root, 'work-'));
    const spec = source.streams['orders'];
    if (!spec) throw new Error('no stream');
    const fetched = await fetchEndpoint({ source, spec, context: this.context(), cursor, folder });
    const lines = await linesOf(fetched.own.path);
    const childRows: Loaded['childRows'] = {};
    for (const [name, { path }] of fetched.children) childRows[name] = (await linesOf(path)).map(parse);
    return { ...fetched, lines, rows: lines.map(parse), childRows };
  }

  async close(): Promise<void> {
    await this.api.close();
    await rm(this.root, { recursive: true, force: true });
  }
}

const parse = (line: string): Record<string, unknown> => JSON.parse(line) as Record<string, unknown>;
const linesOf = async (path: string): Promise<string[]> =>
  (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');

/** `count` records from `from` on. */
export const records = (from: number, count: number): { id: number }[] =>
  Array.from({ length: count }, (_, index) => ({ id: from + index }));

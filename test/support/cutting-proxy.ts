import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';

export interface CuttingProxy {
  port: number;
  /** Ends each of the next `times` connections once so many bytes have passed in that direction. */
  cut(rule: { after: number; direction: 'up' | 'down'; times?: number }): void;
  heal(): void;
  /** how many connections were cut so far */
  readonly cuts: number;
  close(): Promise<void>;
}

/** Stands between a client and a server on this machine and breaks connections in mid-transfer, without a goodbye. */
export async function startCuttingProxy(targetPort: number): Promise<CuttingProxy> {
  let rule: { after: number; direction: 'up' | 'down'; left: number } | undefined;
  let cuts = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1');
    const passed = { up: 0, down: 0 };
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    const pass = (from: Socket, to: Socket, direction: 'up' | 'down'): void => {
      open.add(from);
      from.on('error', end).on('close', () => {
        open.delete(from);
        end();
      });
      from.on('data', (chunk: Buffer) => {
        passed[direction] += chunk.length;
        if (rule?.direction === direction && passed[direction] > rule.after && rule.left > 0) {
          cuts++;
          rule.left--;
          client.resetAndDestroy();
          upstream.resetAndDestroy();
          return;
        }
        if (!to.write(chunk)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
    };
    pass(client, upstream, 'up');
    pass(upstream, client, 'down');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cut: ({ after, direction, times = Infinity }) => (rule = { after, direction, left: times }),
    heal: () => (rule = undefined),
    get cuts() {
      return cuts;
    },
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

import { once } from 'node:events';
import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir, stat, type FileHandle } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import ssh2, { type Attributes, type Connection, type SFTPWrapper } from 'ssh2';

export const USER = 'millrace';
export const PASSWORD = 'a-password-for-tests';

export interface HostKey {
  private: string;
  /** as `ssh-keyscan` prints it */
  public: string;
}

export const hostKey = (): HostKey => ssh2.utils.generateKeyPairSync('ed25519');

export interface SftpServer {
  port: number;
  /** what happens from now on; kept until it is changed */
  behave: Behaviour;
  /** opened, answered: what clients did so far */
  readonly seen: { logins: number; reads: number; bytes: number; open: number };
  close(): Promise<void>;
}

export interface Behaviour {
  /** milliseconds before each answer to a read */
  readDelay?: number;
  /** the password has expired: its owner is asked for a new one */
  expired?: boolean;
  /** is told before each read, and may change the file meanwhile */
  onRead?: (path: string, position: number) => Promise<void> | void;
}

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp;

/** An SSH server of this process that serves a folder by SFTP, over the real protocol, on a free port. */
export async function startSftpServer(
  root: string,
  { keys = [hostKey()], publicKey }: { keys?: HostKey[]; publicKey?: string } = {},
): Promise<SftpServer> {
  const seen = { logins: 0, reads: 0, bytes: 0, open: 0 };
  const state = { behave: {} as Behaviour };
  const allowed = publicKey === undefined ? undefined : ssh2.utils.parseKey(publicKey);
  const connections = new Set<Connection>();
  const server = new ssh2.Server({ hostKeys: keys.map((key) => key.private) }, (client) => {
    connections.add(client);
    (client as Connection & { setNoDelay(on: boolean): void }).setNoDelay(true);
    client.on('error', () => undefined).on('close', () => connections.delete(client));
    client.on('authentication', (context) => {
      const mine = context.username === USER;
      if (state.behave.expired === true && context.method === 'keyboard-interactive') {
        context.prompt(['New password: ', 'Again: '], () => context.reject());
      } else if (
        mine &&
        context.method === 'password' &&
        context.password === PASSWORD &&
        !state.behave.expired
      ) {
        context.accept();
      } else if (mine && context.method === 'publickey' && allowed && !(allowed instanceof Error)) {
        const same = context.key.data.equals(allowed.getPublicSSH());
        const signed =
          context.signature === undefined ||
          allowed.verify(context.blob as Buffer, context.signature, context.hashAlgo) === true;
        if (same && signed) context.accept();
        else context.reject();
      } else {
        context.reject(['password', 'publickey', 'keyboard-interactive']);
      }
    });
    client.on('ready', () => {
      seen.logins++;
      client.on('session', (accept) => {
        accept().on('sftp', (acceptSftp) => serve(acceptSftp(), root, state, seen));
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    get behave() {
      return state.behave;
    },
    set behave(next) {
      state.behave = next;
    },
    close: async () => {
      for (const connection of connections) connection.end();
      server.close();
      await once(server, 'close');
    },
  };
}

function serve(
  sftp: SFTPWrapper,
  root: string,
  state: { behave: Behaviour },
  seen: SftpServer['seen'],
): void {
  const handles = new Map<number, { file?: FileHandle; path: string; names?: string[] }>();
  let next = 0;
  const local = (path: string): string => join(root, normalize(`/${path}`));
  const keep = (entry: { file?: FileHandle; path: string; names?: string[] }): Buffer => {
    const handle = Buffer.alloc(4);
    handle.writeUInt32BE(next);
    handles.set(next++, entry);
    return handle;
  };
  const at = (handle: Buffer) => handles.get(handle.readUInt32BE(0));
  const answer = (id: number, work: () => Promise<void>): void => {
    work().catch((error: NodeJS.ErrnoException) => {
      const code = { ENOENT: STATUS_CODE.NO_SUCH_FILE, EACCES: STATUS_CODE.PERMISSION_DENIED }[
        error.code ?? ''
      ];
      sftp.status(id, code ?? STATUS_CODE.FAILURE);
    });
  };
  sftp.on('error', () => undefined);
  sftp.on('close', () => {
    for (const { file } of handles.values()) void file?.close();
  });
  sftp.on('REALPATH', (id, path) =>
    sftp.name(id, [{ filename: normalize(`/${path}`), longname: path, attrs: {} as Attributes }]),
  );
  sftp.on('STAT', (id, path) => answer(id, async () => sftp.attrs(id, attributes(await stat(local(path))))));
  sftp.on('LSTAT', (id, path) =>
    answer(id, async () => sftp.attrs(id, attributes(await lstat(local(path))))),
  );
  sftp.on('OPENDIR', (id, path) =>
    answer(id, async () => {
      sftp.handle(id, keep({ path: local(path), names: await readdir(local(path)) }));
    }),
  );
  sftp.on('READDIR', (id, handle) =>
    answer(id, async () => {
      const entry = at(handle);
      const names = entry?.names?.splice(0, 200) ?? [];
      if (!entry || names.length === 0) return void sftp.status(id, STATUS_CODE.EOF);
      const listed = await Promise.all(
        names.map(async (filename) => ({
          ...{ filename, longname: filename },
          attrs: attributes(await lstat(join(entry.path, filename))),
        })),
      );
      sftp.name(id, listed);
    }),
  );
  sftp.on('OPEN', (id, path, flags) =>
    answer(id, async () => {
      if (flags & OPEN_MODE.WRITE) return void sftp.status(id, STATUS_CODE.PERMISSION_DENIED);
      const file = await open(local(path), constants.O_RDONLY);
      seen.open++;
      sftp.handle(id, keep({ file, path }));
    }),
  );
  sftp.on('FSTAT', (id, handle) =>
    answer(id, async () => sftp.attrs(id, attributes(await at(handle)!.file!.stat()))),
  );
  sftp.on('READ', (id, handle, position, length) =>
    answer(id, async () => {
      const { file, path } = at(handle)!;
      seen.reads++;
      await state.behave.onRead?.(path, position);
      if (state.behave.readDelay) await new Promise((resolve) => setTimeout(resolve, state.behave.readDelay));
      const { bytesRead, buffer } = await file!.read(Buffer.alloc(length), 0, length, position);
      seen.bytes += bytesRead;
      if (bytesRead === 0) sftp.status(id, STATUS_CODE.EOF);
      else sftp.data(id, buffer.subarray(0, bytesRead));
    }),
  );
  sftp.on('CLOSE', (id, handle) =>
    answer(id, async () => {
      await at(handle)?.file?.close();
      seen.open -= at(handle)?.file ? 1 : 0;
      handles.delete(handle.readUInt32BE(0));
      sftp.status(id, STATUS_CODE.OK);
    }),
  );
}

const attributes = ({ mode, uid, gid, size, atimeMs, mtimeMs }: Stats): Attributes => ({
  ...{ mode, uid, gid, size },
  ...{ atime: Math.floor(atimeMs / 1000), mtime: Math.floor(mtimeMs / 1000) },
});

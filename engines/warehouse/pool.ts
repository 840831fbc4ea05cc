import { MillraceError } from '../../schemas/errors.js';

/** A few things to share, made when first needed; who finds none free waits in line. */
export class Pool<T> {
  private readonly free: T[] = [];
  private readonly waiting: { serve: (item: T) => void; fail: (cause: Error) => void }[] = [];
  private made = 0;
  private closed = false;
  private idle: (() => void) | undefined;

  constructor(
    private readonly size: number,
    private readonly make: () => Promise<T>,
    /** false of one that is of no more use: another is made in its place */
    private readonly usable: (item: T) => boolean = () => true,
  ) {}

  /** Lends one to `work`. @throws the signal's reason when it aborts during the wait */
  async use<R>(work: (item: T) => Promise<R>, signal?: AbortSignal): Promise<R> {
    const item = await this.take(signal);
    try {
      return await work(item);
    } finally {
      this.give(item);
    }
  }

  /** Waits for what is lent, then ends every item. */
  async close(end: (item: T) => void): Promise<void> {
    this.closed = true;
    if (this.free.length < this.made) await new Promise<void>((resolve) => (this.idle = resolve));
    for (const item of this.free.splice(0)) end(item);
    this.made = 0;
  }

  private async take(signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    if (this.closed)
      throw new MillraceError('WarehouseUnavailable', {
        what: 'The warehouse was closed',
        fix: 'Open it again; a worker that shuts down closes it last',
      });
    const item = this.free.pop();
    if (item !== undefined) return item;
    if (this.made < this.size) return this.another();
    return new Promise<T>((resolve, reject) => {
      const entry = {
        serve: (item: T): void => {
          signal?.removeEventListener('abort', leave);
          resolve(item);
        },
        fail: (cause: Error): void => {
          signal?.removeEventListener('abort', leave);
          reject(cause);
        },
      };
      const leave = (): void => {
        this.waiting.splice(this.waiting.indexOf(entry), 1);
        reject(signal?.reason as Error);
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.waiting.push(entry);
    });
  }

  private async another(): Promise<T> {
    this.made++;
    try {
      return await this.make();
    } catch (cause) {
      this.made--;
      throw cause;
    }
  }

  private give(item: T): void {
    const usable = this.usable(item);
    if (!usable) this.made--;
    const next = this.waiting.shift();
    if (next && usable) return next.serve(item);
    if (next) return void this.another().then(next.serve, next.fail);
    if (usable) this.free.push(item);
    if (this.free.length === this.made) this.idle?.();
  }
}

/** A position in the server's log: `0/16B3748` as a number. */
export type Lsn = bigint;

export function parseLsn(text: string): Lsn {
  const [high = '0', low = '0'] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

export const formatLsn = (lsn: Lsn): string =>
  `${(lsn >> 32n).toString(16).toUpperCase()}/${(lsn & 0xffff_ffffn).toString(16).toUpperCase()}`;

/** @returns ISO 8601 with milliseconds @param micros since 1970 */
export const isoOf = (micros: bigint): string => new Date(Number(micros / 1000n)).toISOString();

/**
 * What a snapshot shows, from `pg_current_snapshot()`: `xmin:xmax:xip,…`. Transactions before xmin are visible, those
 * from xmax on are not, and of those between the ones in progress are not.
 */
export class Visible {
  private readonly xmin: bigint;
  private readonly xmax: bigint;
  private readonly running: Set<bigint>;

  constructor(text: string) {
    const [xmin = '0', xmax = '0', running = ''] = text.split(':');
    this.xmin = BigInt(xmin);
    this.xmax = BigInt(xmax);
    this.running = new Set(running === '' ? [] : running.split(',').map(BigInt));
  }

  /** @param xid of a transaction, 32 bits, within 2^31 transactions of the snapshot */
  shows(xid: number): boolean {
    const epoch = this.xmax & ~0xffff_ffffn;
    let full = epoch | BigInt(xid);
    if (full - this.xmax > 0x8000_0000n) full -= 0x1_0000_0000n;
    else if (this.xmax - full > 0x8000_0000n) full += 0x1_0000_0000n;
    return full < this.xmin || (full < this.xmax && !this.running.has(full));
  }

  /** Whether a transaction that was under way in `earlier` still is. */
  waitsFor(earlier: Visible): boolean {
    return [...earlier.running].some((xid) => this.running.has(xid));
  }
}

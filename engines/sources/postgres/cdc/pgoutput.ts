import type { Lsn } from './lsn.js';

/** The publication's view of a table, sent before its first change and after each change of its shape. */
export interface Relation {
  oid: number;
  schema: string;
  name: string;
  columns: { name: string; oid: number; modifier: number }[];
}

/**
 * The values of one row, still in the message: `bounds` has start and end of each; a start below 0 is
 * {@link NULL} or {@link UNCHANGED}.
 */
export interface Tuple {
  bytes: Buffer;
  bounds: Int32Array;
  columns: number;
}

export const NULL = -1;
/** A value stored out of line that the update did not touch: the server does not send it. */
export const UNCHANGED = -2;

export type Change =
  | { kind: 'insert'; relation: number; row: Tuple }
  | { kind: 'update'; relation: number; old: Tuple | undefined; row: Tuple }
  | { kind: 'delete'; relation: number; old: Tuple }
  | { kind: 'truncate'; relations: number[] };

export type Message =
  /** `lsn` is that of the commit; `at` in microseconds since 1970 */
  | { kind: 'begin'; lsn: Lsn; at: bigint; xid: number }
  /** `end` is where the next transaction may begin */
  | { kind: 'commit'; end: Lsn }
  | { kind: 'relation'; relation: Relation }
  | Change
  /** types, origins and messages, which say nothing that bronze needs */
  | { kind: 'other' };

/** PostgreSQL counts time from 2000. */
const EPOCH_2000 = 946_684_800_000_000n;

/** Microseconds since 1970 of a time of the server. */
export const microsOf = (bytes: Buffer, at: number): bigint => bytes.readBigInt64BE(at) + EPOCH_2000;
/** A time of the server, now. */
export const serverNow = (): bigint => BigInt(Date.now()) * 1000n - EPOCH_2000;

/**
 * One message of pgoutput, protocol version 1, values as texts. The tuple keeps the message's bytes, which are valid
 * only until the next message arrives.
 * @throws Error for a message that version 1 does not have
 */
export function decodeMessage(bytes: Buffer, from: number): Message {
  const tag = bytes[from];
  switch (tag) {
    case 0x42: // B
      return {
        kind: 'begin',
        lsn: bytes.readBigUInt64BE(from + 1),
        at: microsOf(bytes, from + 9),
        xid: bytes.readUInt32BE(from + 17),
      };
    case 0x43: // C
      return { kind: 'commit', end: bytes.readBigUInt64BE(from + 10) };
    case 0x52: // R
      return { kind: 'relation', relation: decodeRelation(bytes, from + 1) };
    case 0x49: // I
      return {
        kind: 'insert',
        relation: bytes.readUInt32BE(from + 1),
        row: decodeTuple(bytes, from + 6).tuple,
      };
    case 0x55: // U
      return decodeUpdate(bytes, from + 1);
    case 0x44: // D
      return {
        kind: 'delete',
        relation: bytes.readUInt32BE(from + 1),
        old: decodeTuple(bytes, from + 6).tuple,
      };
    case 0x54: {
      // T
      const count = bytes.readUInt32BE(from + 1);
      const relations = Array.from({ length: count }, (_, n) => bytes.readUInt32BE(from + 6 + 4 * n));
      return { kind: 'truncate', relations };
    }
    case 0x59: // Y: the name of a type
    case 0x4f: // O: where a transaction came from
    case 0x4d: // M: pg_logical_emit_message
      return { kind: 'other' };
    default:
      throw new Error(`pgoutput sent a message of the unknown kind ${tag}`);
  }
}

function decodeUpdate(bytes: Buffer, from: number): Change {
  const relation = bytes.readUInt32BE(from);
  const tag = bytes[from + 4];
  if (tag === 0x4e /* N */)
    return { kind: 'update', relation, old: undefined, row: decodeTuple(bytes, from + 5).tuple };
  const { tuple: old, end } = decodeTuple(bytes, from + 5);
  return { kind: 'update', relation, old, row: decodeTuple(bytes, end + 1).tuple };
}

function decodeTuple(bytes: Buffer, from: number): { tuple: Tuple; end: number } {
  const columns = bytes.readUInt16BE(from);
  const bounds = new Int32Array(2 * columns);
  let at = from + 2;
  for (let column = 0; column < columns; column++) {
    const kind = bytes[at++];
    if (kind === 0x6e /* n */) bounds[2 * column] = NULL;
    else if (kind === 0x75 /* u */) bounds[2 * column] = UNCHANGED;
    else {
      const length = bytes.readInt32BE(at);
      at += 4;
      bounds[2 * column] = at;
      at += length;
      bounds[2 * column + 1] = at;
    }
  }
  return { tuple: { bytes, bounds, columns }, end: at };
}

function decodeRelation(bytes: Buffer, from: number): Relation {
  const oid = bytes.readUInt32BE(from);
  let at = from + 4;
  const text = (): string => {
    const end = bytes.indexOf(0, at);
    const value = bytes.toString('utf8', at, end);
    at = end + 1;
    return value;
  };
  const schema = text();
  const name = text();
  at += 1; // replica identity
  const count = bytes.readUInt16BE(at);
  at += 2;
  const columns: Relation['columns'] = [];
  for (let n = 0; n < count; n++) {
    at += 1; // part of the key
    const column = text();
    columns.push({ name: column, oid: bytes.readUInt32BE(at), modifier: bytes.readInt32BE(at + 4) });
    at += 8;
  }
  // the system's own schema is sent as no name
  return { oid, schema: schema === '' ? 'pg_catalog' : schema, name, columns };
}

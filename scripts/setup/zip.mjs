// Just enough of ZIP to take files out of a wheel, because `unzip` is not everywhere.
import { crc32, inflateRawSync } from 'node:zlib';

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;

/**
 * @param {Buffer} zip
 * @param {(path: string) => boolean} wanted
 * @returns {{ path: string, bytes: Buffer }[]} each checked against its length and CRC-32
 */
export function unzip(zip, wanted) {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  if (end < 0 || zip.readUInt32LE(end) !== END) throw new Error('not a ZIP file');
  const count = zip.readUInt16LE(end + 10);
  let at = zip.readUInt32LE(end + 16);
  const files = [];
  for (let index = 0; index < count; index += 1) {
    if (zip.readUInt32LE(at) !== CENTRAL) throw new Error(`broken ZIP directory at byte ${at}`);
    const path = zip.toString('utf8', at + 46, at + 46 + zip.readUInt16LE(at + 28));
    if (wanted(path)) files.push({ path, bytes: extract(zip, at, path) });
    at += 46 + zip.readUInt16LE(at + 28) + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return files;
}

/** @param {Buffer} zip @param {number} at @param {string} path */
function extract(zip, at, path) {
  const method = zip.readUInt16LE(at + 10);
  const packed = zip.readUInt32LE(at + 20);
  const local = zip.readUInt32LE(at + 42);
  if (zip.readUInt32LE(local) !== LOCAL) throw new Error(`broken ZIP entry ${path} at byte ${local}`);
  // the local header has its own, possibly different, extra field
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
  const data = zip.subarray(start, start + packed);
  if (method !== 0 && method !== 8) throw new Error(`ZIP entry ${path} uses compression method ${method}`);
  const bytes = method === 0 ? data : inflateRawSync(data);
  if (bytes.length !== zip.readUInt32LE(at + 24) || crc32(bytes) !== zip.readUInt32LE(at + 16)) {
    throw new Error(`ZIP entry ${path} is damaged`);
  }
  return bytes;
}

import type { OpenedText } from '../open-text.js';
import type { RawBytes } from './reject-misfits.js';

/** Reads the text once more for the bytes of some records: what was staged may be re-encoded or re-quoted. */
export function rawText(text: OpenedText): RawBytes {
  const source = text.read();
  // `window` holds the text from `base` on; records come in file order, so it only moves forward
  let window: Buffer = Buffer.alloc(0);
  let base = text.encoding.bom;
  return {
    of: async ({ byte, length }) => {
      const end = byte + length;
      while (base + window.length < end) {
        const { value, done } = await source.next();
        if (done) break;
        const keep = Math.min(window.length, Math.max(0, base + window.length - byte));
        base += window.length - keep;
        window = Buffer.concat([window.subarray(window.length - keep), value]);
      }
      return text.encoding.toSource(Buffer.from(window.subarray(byte - base, end - base)));
    },
    close: async () => void (await source.return()),
  };
}

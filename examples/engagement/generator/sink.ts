import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline, finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Writable } from 'node:stream';

type Encoding = 'utf-8' | 'windows-1252';

/** The characters of windows-1252 beyond Latin-1 that the names use. */
const WINDOWS_1252: Record<string, string> = {
  Š: '\x8a',
  Ž: '\x8e',
  '’': '\x92',
  š: '\x9a',
  œ: '\x9c',
  ž: '\x9e',
};

const BUFFER = 1 << 20;

/** A text file written in large pieces, and seen under its name only when it is whole. */
export class Sink {
  private text = '';
  private readonly head: Writable;
  private readonly done: Promise<void>;
  private readonly aside: string;

  constructor(
    readonly path: string,
    private readonly encoding: Encoding,
    gzip: boolean,
  ) {
    this.aside = join(dirname(path), `.${basename(path)}.part`);
    const file = createWriteStream(this.aside);
    const zip = gzip ? createGzip({ level: 2 }) : undefined;
    this.head = zip ?? file;
    this.done = zip ? pipeline(zip, file) : finished(file);
    this.done.catch(() => undefined); // close() and ready() report it
  }

  line(text: string): void {
    this.text += `${text}\n`;
  }

  /** Writes Latin-1 bytes whatever the file's encoding. */
  foreignLine(text: string): void {
    this.push();
    this.head.write(Buffer.from(`${text}\n`, 'latin1'));
  }

  /** Hands a full buffer on and waits for the disk when it is behind. */
  async ready(): Promise<void> {
    if (this.text.length < BUFFER) return;
    this.push();
    if (this.head.writableNeedDrain) await Promise.race([once(this.head, 'drain'), this.done]);
  }

  async close(): Promise<void> {
    this.push();
    this.head.end();
    await this.done;
    await rename(this.aside, this.path);
  }

  private push(): void {
    if (!this.text) return;
    this.head.write(
      this.encoding === 'utf-8'
        ? Buffer.from(this.text, 'utf8')
        : Buffer.from(
            this.text.replace(/[ŠŽ’šœž]/g, (letter) => WINDOWS_1252[letter] as string),
            'latin1',
          ),
    );
    this.text = '';
  }
}

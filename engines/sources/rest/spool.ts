import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { MillraceError } from '../../../schemas/errors.js';
import type { RestStream } from '../../../schemas/rest.js';
import type { CursorFilter } from './cursor.js';
import { isObject, jsonLine, valueAt, withValueAt } from './json.js';

/** JSON Lines of one stream, the endpoint's own or a child's. */
export interface Spooled {
  path: string;
  /** of the lines, as they are found again in `_source_position` */
  rows: number;
}

/** Writes records to files as they come, so that a load needs the memory of a page whatever its size. */
export class Spool {
  private constructor(
    private readonly spec: RestStream,
    private readonly cursor: CursorFilter | undefined,
    private readonly own: Sink,
    private readonly children: Map<string, Sink>,
  ) {}

  static async open(folder: string, spec: RestStream, cursor: CursorFilter | undefined): Promise<Spool> {
    const children = new Map<string, Sink>();
    for (const name of Object.keys(spec.children)) {
      children.set(name, await Sink.open(join(folder, `child-${name}.jsonl`)));
    }
    return new Spool(spec, cursor, await Sink.open(join(folder, 'records.jsonl')), children);
  }

  /** @throws MillraceError FormatMismatch for a record without the key that its children need, or a wrong cursor */
  async add(records: Record<string, unknown>[]): Promise<void> {
    for (const record of records) {
      if (this.cursor && !this.cursor.takes(record)) continue;
      let rest = record;
      for (const [name, child] of Object.entries(this.spec.children)) {
        const found = valueAt(record, child.path);
        if (found === undefined) continue;
        rest = withValueAt(rest, child.path, undefined);
        if (found === null) continue;
        const elements: unknown[] = Array.isArray(found) ? found : [found];
        if (elements.length === 0) continue;
        const key = parentKey(record, child.parentKey, name);
        const sink = this.children.get(name);
        for (const [index, element] of elements.entries()) {
          sink?.add({ ...key, _index: index + 1, ...(isObject(element) ? element : { value: element }) });
        }
      }
      this.own.add(rest);
    }
    for (const sink of [this.own, ...this.children.values()]) await sink.flush();
  }

  /** The endpoint's own lines, and those of each child by its name. */
  get written(): { own: Spooled; children: Map<string, Spooled> } {
    const children = [...this.children].map(([name, { path, rows }]) => [name, { path, rows }] as const);
    return { own: { path: this.own.path, rows: this.own.rows }, children: new Map(children) };
  }

  async close(): Promise<void> {
    await Promise.all([this.own, ...this.children.values()].map((sink) => sink.close()));
  }
}

class Sink {
  rows = 0;
  private lines: string[] = [];

  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
  ) {}

  static async open(path: string): Promise<Sink> {
    return new Sink(path, await open(path, 'w'));
  }

  add(record: Record<string, unknown>): void {
    this.lines.push(jsonLine(record));
    this.rows++;
  }

  async flush(): Promise<void> {
    if (this.lines.length === 0) return;
    const text = `${this.lines.join('\n')}\n`;
    this.lines = [];
    await this.file.write(text);
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

/** @returns the columns that lead from a child to its parent */
function parentKey(record: Record<string, unknown>, paths: string[], child: string): Record<string, unknown> {
  return Object.fromEntries(
    paths.map((path) => {
      const value = valueAt(record, path);
      if (value !== undefined && value !== null && typeof value !== 'object') {
        return [`_parent_${path.replaceAll('.', '_')}`, value];
      }
      throw new MillraceError('FormatMismatch', {
        what: `A record has elements for '${child}', and no '${path}' that would tell whose they are`,
        fix: `Correct parentKey of children.${child}: dotted paths of values that every record has`,
      });
    }),
  );
}

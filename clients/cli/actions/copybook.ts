import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { MillraceError } from '../../../schemas/errors.js';
import type { RawCopybookOptions } from '../../../schemas/copybook.js';
import { compileCopybook, type CompiledCopybook } from '../../../engines/copybook/compile.js';
import { describeType } from '../../../engines/copybook/describe.js';
import { toJsonLine } from '../../../engines/copybook/json.js';
import { fields, nodes } from '../../../engines/copybook/layout.js';
import { compressionOf } from '../../../engines/sources/copybook/compression-of.js';
import { readBytes } from '../../../engines/sources/decompress.js';
import { answer, style, table, type GlobalOptions } from '../output.js';

interface CopybookArguments extends GlobalOptions {
  copybook?: string;
  copybooks?: string;
  options?: string;
}

/** Lines are written in pieces of about this many characters. */
const PIECE = 1 << 16;

/** `millrace copybook decode`: one JSON object a record; a record that is cut off is told of on standard error. */
export async function decode(options: CopybookArguments & { data: string }): Promise<void> {
  const compiled = await compile(options);
  for (const option of compiled.settings.unknown) warn(`option ${option} is unknown and has no effect`);
  const single = [...fields(compiled.layout.root)].find(
    ({ type }) => type.kind === 'number' && type.usage === 'float',
  );
  if (single && compiled.settings.floating_point_format.startsWith('ibm')) {
    warn(
      `${single.name}: floating_point_format IBM reads COMP-1 as Cobrix does, without its exponent; HFP reads it right`,
    );
  }
  const out = new Lines();
  for (const [fileId, path] of files(options.data).entries()) {
    if (out.closed) return;
    await access(path, constants.R_OK).catch((error: unknown) => {
      throw unreadable(path, error);
    });
    let piece = '';
    const records = compiled.readRecords(readBytes(path, compressionOf(path)), {
      ...{ file: path, fileId },
      onProblem: (problem) => {
        // whole records of one length are what the file says it has
        if (compiled.settings.plain) throw problem;
        warn(problem.message);
      },
    });
    try {
      for await (const { record } of records) {
        piece += `${toJsonLine(record)}\n`;
        if (piece.length < PIECE) continue;
        await out.write(piece);
        piece = '';
        if (out.closed) return;
      }
    } finally {
      await out.write(piece);
    }
  }
}

/** `millrace copybook layout`: level, field, type, offset and length of everything in the record. */
export async function layout(options: CopybookArguments): Promise<void> {
  const compiled = await compile(options);
  const entries = [...nodes(compiled.layout.root)].map((node) => ({
    level: node.level,
    field: node.name,
    type: describeType(node),
    ...{ offset: node.offset, length: node.length, size: node.size },
    ...(node.occurs && { occurs: node.occurs }),
    ...(node.redefines !== undefined && { redefines: node.redefines }),
    ...(node.filler && { filler: true }),
  }));
  const depth = new Map<object, number>();
  const measure = (children: typeof compiled.layout.root.children, at: number): void => {
    for (const child of children) {
      depth.set(child, at);
      if (child.kind === 'group') measure(child.children, at + 1);
    }
  };
  measure(compiled.layout.root.children, 0);
  const indents = [...nodes(compiled.layout.root)].map((node) => '  '.repeat(depth.get(node) ?? 0));
  answer(
    options,
    { recordLength: compiled.layout.recordLength, variable: compiled.layout.variable, fields: entries },
    () => [
      ...table(
        ['field', 'level', 'type', 'offset', 'length', ''],
        entries.map(({ field, level, type, offset, length, occurs, redefines, filler }, index) => [
          ...[
            `${indents[index] ?? ''}${field}`,
            String(level).padStart(2, '0'),
            type,
            String(offset),
            String(length),
          ],
          [
            occurs &&
              `occurs ${occurs.min === occurs.max ? '' : `${occurs.min} to `}${occurs.max}${occurs.dependingOn === undefined ? '' : ` by ${occurs.dependingOn}`}`,
            redefines !== undefined && `redefines ${redefines}`,
            filler && 'not in the record',
          ]
            .filter(Boolean)
            .join(', '),
        ]),
      ),
      style.dim(
        `record of ${compiled.layout.recordLength} bytes${compiled.layout.variable ? ' at most' : ''}`,
      ),
    ],
  );
}

const files = (list: string): string[] =>
  list
    .split(',')
    .map((path) => path.trim())
    .filter((path) => path !== '');

async function compile({ copybook, copybooks, options }: CopybookArguments): Promise<CompiledCopybook> {
  const paths = files([copybook, copybooks].filter((list) => list !== undefined).join(','));
  if (paths.length === 0) {
    throw new MillraceError('ProjectInvalid', {
      what: 'No copybook was given',
      fix: 'Say --copybook file.cpy',
    });
  }
  const texts = await Promise.all(paths.map(async (name) => ({ name, text: await read(name) })));
  return compileCopybook({
    copybooks: texts,
    options: options === undefined ? {} : await readOptions(options),
  });
}

async function readOptions(path: string): Promise<RawCopybookOptions> {
  const text = await read(path);
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as RawCopybookOptions;
  } catch {
    // told below
  }
  throw new MillraceError('ProjectInvalid', {
    what: 'The options are no JSON object',
    where: { file: path },
    fix: 'Write {"record_format": "V", …}',
  });
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
}

const unreadable = (path: string, cause: unknown): MillraceError =>
  new MillraceError('SourceMissing', {
    what: `The file cannot be read: ${(cause as Error).message}`,
    where: { file: path },
    fix: 'Check its name',
    cause,
  });

const warn = (text: string): void => void process.stderr.write(`${style.yellow('warning:')} ${text}\n`);

/** Standard output; whoever reads it may stop when it has enough, as `head` does. */
class Lines {
  closed = false;
  private wake: (() => void) | undefined;

  constructor() {
    const resume = (): void => this.wake?.();
    process.stdout.on('drain', resume);
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      this.closed = true;
      resume();
    });
  }

  /** Waits until there is room for more. */
  async write(text: string): Promise<void> {
    if (this.closed || text === '' || process.stdout.write(text)) return;
    await new Promise<void>((resolve) => (this.wake = resolve));
  }
}

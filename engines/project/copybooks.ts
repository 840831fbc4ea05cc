import { readFile } from 'node:fs/promises';
import type { RawCopybookOptions } from '../../schemas/copybook.js';
import { MillraceError, type Position } from '../../schemas/errors.js';
import type { Project } from '../../schemas/project.js';
import { readSettings, streamOptions } from '../copybook/settings.js';
import { within } from './within.js';

/**
 * Puts the copybooks' texts into the declaration, so that the project's hash covers them and a run keeps those it
 * began with.
 * @throws MillraceError ProjectInvalid naming the copybook that cannot be read, or the option that is wrong
 */
export async function readCopybooks(spec: Project, root: string, file: string): Promise<void> {
  for (const [source, declared] of Object.entries(spec.sources)) {
    if (declared.kind !== 'files') continue;
    for (const [stream, { format }] of Object.entries(declared.streams)) {
      if (format.kind !== 'copybook' && format.kind !== 'journal') continue;
      checkOptions(format.options, { file, path: `sources.${source}.streams.${stream}.format.options` });
      const texts = format.copybooks.map(async (path, index) => {
        const text = await readFile(within(root, path), 'utf8').catch((cause: unknown) => {
          throw new MillraceError('ProjectInvalid', {
            what: `the copybook '${path}' cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
            where: { file, path: `sources.${source}.streams.${stream}.format.copybooks.${index}` },
            fix: 'Write its path relative to the project folder',
          });
        });
        return [path, text] as const;
      });
      format.texts = Object.fromEntries(await Promise.all(texts));
    }
  }
}

function checkOptions(options: RawCopybookOptions, where: Position): void {
  try {
    readSettings(streamOptions(options));
  } catch (error) {
    throw error instanceof MillraceError ? error.at(where) : error;
  }
}

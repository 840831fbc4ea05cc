import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { globSync } from 'tinyglobby';

export const root = join(import.meta.dirname, '../..');

/** The project's own Markdown, by path. */
export const pages = globSync(['*.md', 'docs/**/*.md', 'examples/*/README.md'], { cwd: root })
  .sort()
  .map((path) => ({ path, folder: join(root, dirname(path)), text: readFileSync(join(root, path), 'utf8') }));

/** Blocks of code that are meant to be typed into a shell. */
const shellBlocks = (text: string): string[] =>
  [...text.matchAll(/^```sh\n([^]*?)^```$/gm)].map((match) => match[1] ?? '');

/** Arguments of every `millrace …` that a page tells its reader to type. */
export function commandsIn(text: string): string[][] {
  const inline = [...text.matchAll(/`((?:npx )?millrace [^`\n…]+)`/g)].map((match) => match[1] ?? '');
  const lines = shellBlocks(text).flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'));
  return [...inline, ...lines].flatMap((line) => {
    const typed = /^\s*(?:\w+=\S+ )*(?:npx |node bin\/)?millrace(?:\.mjs)? ([^#|]*)/.exec(line)?.[1];
    return typed === undefined ? [] : [words(typed)];
  });
}

/** A command line as a shell splits it, for what documents need: blanks and quotes. */
const words = (line: string): string[] =>
  [...line.trim().matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');

/** The anchor of a heading, as Markdown viewers make it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

export const anchorsOf = (text: string): string[] =>
  [...text.replaceAll(/^```[^]*?^```$/gm, '').matchAll(/^#+ (.+)$/gm)].map((match) =>
    anchorOf(match[1] ?? ''),
  );

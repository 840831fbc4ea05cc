import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { globSync } from 'tinyglobby';

export const root = join(import.meta.dirname, '../..');

/** The project's own Markdown, by path. */
export const pages = globSync(['*.md', 'docs/**/*.md', 'examples/*/README.md'], { cwd: root })
  .sort()
  .map((path) => ({ path, folder: join(root, dirname(path)), text: readFileSync(join(root, path), 'utf8') }));

/** Blocks of code in a language; of those in a list without its indent. */
export const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(/^( *)```(\w+)\n([^]*?)^\1```$/gm)].flatMap(([, indent = '', found, body = '']) =>
    found === language ? [body.replaceAll(new RegExp(`^${indent}`, 'gm'), '')] : [],
  );

export interface Shown {
  args: string[];
  /** mentioned by its name, in a sentence: what it needs may be left out */
  mentioned: boolean;
}

/** Every `millrace …` of a page: what its reader is told to type, and what is mentioned in a sentence. */
export function commandsIn(text: string): Shown[] {
  const lines = blocks(text, 'sh').flatMap((block) => block.replaceAll('\\\n', ' ').split('\n'));
  const inline = [...text.matchAll(/`((?:npx )?millrace [^`\n…]+)`/g)].map((match) => match[1] ?? '');
  return [...argumentsOf(lines, false), ...argumentsOf(inline, true)];
}

const argumentsOf = (lines: string[], mentioned: boolean): Shown[] =>
  lines.flatMap((line) => {
    const typed = /^\s*(?:\w+=\S+ )*(?:npx )?millrace ([^#|]*)/.exec(line)?.[1];
    return typed === undefined ? [] : [{ args: words(typed), mentioned }];
  });

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
  [...text.replaceAll(/^( *)```[^]*?^\1```$/gm, '').matchAll(/^#+ (.+)$/gm)].map((match) =>
    anchorOf(match[1] ?? ''),
  );

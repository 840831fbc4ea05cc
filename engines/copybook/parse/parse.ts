import type { CopybookSettings } from '../settings.js';
import { expandCopies } from './copies.js';
import { parseEntries, type Entry } from './entries.js';
import { tokenize, type CommentColumns } from './tokens.js';

export interface CopybookSource {
  /** file name or path, for errors and for COPY */
  name: string;
  text: string;
}

const SEQUENCE_COLUMNS = 6;
const LAST_COLUMN = 72;

/** Entries of each copybook that no other one copies. @throws MillraceError CopybookInvalid */
export function parseCopybooks(
  copybooks: CopybookSource[],
  settings: Pick<CopybookSettings, 'truncate_comments' | 'comments_lbound' | 'comments_ubound'>,
): Entry[][] {
  const columns: CommentColumns = {
    truncate: settings.truncate_comments,
    before: settings.comments_lbound ?? SEQUENCE_COLUMNS,
    after: settings.comments_ubound ?? LAST_COLUMN,
  };
  const texts = copybooks.map(({ name, text }) => ({ name, tokens: tokenize(name, text, columns) }));
  return expandCopies(texts).map(({ tokens }) => parseEntries(tokens));
}

import type { BronzeSchema } from '../../../schemas/lake.js';
import { CHANGES } from '../../lake/bronze.js';
import { quoteIdent } from '../port.js';

/** How rows of bronze become the rows of their keys. */
export interface KeyedSpec {
  /** the stream's columns, without those of lineage */
  schema: BronzeSchema;
  keys: string[];
  /** a replicated table: `_op` says what a row means, `_lsn` and `_seq` when */
  changes: boolean;
  /** changes as a journal of IBM i has them: they say when they were made, and may empty the table */
  journal: boolean;
  /** it is read interval by interval: a row holds from the end of its interval, otherwise from when it was read */
  dated: boolean;
  /** a row without its key is a fault, as no other row could ever take its place */
  strict: boolean;
  /** SQL that is true where a row is the deletion of its key */
  deleted: string;
  /** a row that says what its key already has is no version of its own */
  collapse: boolean;
}

/** Order of the rows of one step: the batch's place, then the place in it. */
export const ORDER = ['_mr_batch', '_mr_major', '_mr_minor'] as const;

/** Whether two relations' rows have the same key; null is a key like any other. */
export const sameKey = (keys: string[], left: string, right: string): string =>
  keys
    .map((key) => `${left}.${quoteIdent(key)} is not distinct from ${right}.${quoteIdent(key)}`)
    .join(' and ');

const CHANGE_COLUMNS = new Set(CHANGES.map(({ name }) => name));
const JOURNAL_COLUMNS = new Set(['_op', '_sequence', '_changed_at', '_object', '_program', '_user']);

/** Whether a column is part of what a row says; the others say how it came to be. */
export const isContent = ({ changes, journal }: KeyedSpec, name: string): boolean =>
  !(changes && isChangeColumn(name)) && !(journal && JOURNAL_COLUMNS.has(name));

/** Whether a column says how a row changed rather than what is in it. */
export const isChangeColumn = (name: string): boolean => CHANGE_COLUMNS.has(name) || name === '_xid';

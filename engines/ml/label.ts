import { MillraceError } from '../../schemas/errors.js';
import type { Predictor, Task } from '../../schemas/predictor.js';
import { quoteIdent, quoteText } from '../warehouse/port.js';
import type { Dataset } from './dataset.js';
import { kindOf } from './encoder.js';
import { SIDES } from './split.js';

const MAX_CLASSES = 100;
const MIN_ROWS = 50;
/** of each class, on each side: below it no metric means anything */
const MIN_OF_CLASS = 2;

/** Labelled rows of each side, and the classes in them. */
export interface Labels {
  /** class names by number; empty for a regression */
  classes: string[];
  rows: { train: number; validation: number; holdout: number; unlabelled: number };
}

/**
 * Reads and checks the label. Of two classes the positive one comes second.
 * @param side SQL of the row's side
 * @throws MillraceError LabelInvalid, TooFewRows
 */
export async function readLabels(
  dataset: Dataset,
  { label, task, positive }: Pick<Predictor, 'label' | 'task' | 'positive'>,
  side: string,
): Promise<Labels> {
  const name = labelSql(dataset, label, task);
  const order = isNumber(dataset, label) ? `min(CAST(${quoteIdent(label)} AS DOUBLE)), 1` : '1';
  const groups = (await dataset.query(
    `SELECT ${task === 'regression' ? "''" : name} AS class,
            count_if(s = ${SIDES.train})::INTEGER AS train,
            count_if(s = ${SIDES.validation})::INTEGER AS validation,
            count_if(s = ${SIDES.holdout})::INTEGER AS holdout
     FROM (SELECT *, ${side} AS s FROM rows) WHERE ${quoteIdent(label)} IS NOT NULL
     GROUP BY 1 ORDER BY ${order}`,
  )) as unknown as Group[];
  const [counted] = await dataset.query(
    `SELECT count(*)::INTEGER AS n FROM rows WHERE ${quoteIdent(label)} IS NULL`,
  );
  const total = (pick: 'train' | 'validation' | 'holdout'): number =>
    groups.reduce((sum, group) => sum + group[pick], 0);
  const rows = {
    train: total('train'),
    validation: total('validation'),
    holdout: total('holdout'),
    unlabelled: Number(counted?.['n']),
  };
  await check(dataset, label, task, groups, rows);
  const classes = task === 'regression' ? [] : groups.map((group) => group.class);
  return { classes: task === 'binary' ? positiveLast(dataset, label, classes, positive) : classes, rows };
}

/**
 * The second class is the one that is scored. What a text means only its author knows: taking one by the alphabet would
 * turn scores upside down without a word.
 */
function positiveLast(
  dataset: Dataset,
  label: string,
  classes: string[],
  positive: string | undefined,
): string[] {
  const type = dataset.columns.find(({ name }) => name === label)?.type ?? '';
  const column = `label ${quoteIdent(label)}`;
  const values = classes.map((name) => `'${name}'`).join(' and ');
  if (positive === undefined) {
    if (type === 'BOOLEAN' || isNumber(dataset, label)) return classes;
    throw new MillraceError('LabelInvalid', {
      what: `the ${column} is text (${values}), and nothing says which value is to be scored`,
      fix: `Declare it: positive: '${classes.at(-1)}'`,
    });
  }
  if (!classes.includes(positive)) {
    throw new MillraceError('LabelInvalid', {
      what: `the ${column} has the values ${values}, not '${positive}'`,
      fix: 'Name one of them as positive',
    });
  }
  return [...classes.filter((name) => name !== positive), positive];
}

interface Group {
  class: string;
  train: number;
  validation: number;
  holdout: number;
}

async function check(
  dataset: Dataset,
  label: string,
  task: Task,
  groups: Group[],
  rows: Labels['rows'],
): Promise<void> {
  const column = `label ${quoteIdent(label)}`;
  const labelled = rows.train + rows.validation + rows.holdout;
  const few = (what: string): MillraceError =>
    new MillraceError('TooFewRows', {
      what,
      fix: `A predictor needs at least ${MIN_ROWS} labelled rows, and ${MIN_OF_CLASS} of each class in the hold-out and outside it; widen the interval, or the share of the hold-out`,
    });
  if (labelled < MIN_ROWS) throw few(`${labelled} rows have a ${column}, ${rows.unlabelled} have none`);
  if (rows.holdout < MIN_OF_CLASS) throw few(`only ${rows.holdout} of ${labelled} rows are in the hold-out`);
  if (task === 'regression') return checkNumbers(dataset, label, column);
  const counts = groups.map((group) => `${group.class}: ${group.train + group.validation + group.holdout}`);
  const wrong = (what: string, fix: string): MillraceError =>
    new MillraceError('LabelInvalid', { what, fix });
  if (groups.length === 1) {
    throw wrong(
      `the ${column} has one class only (${counts.join()} rows)`,
      'Check the model that derives it, or take an interval in which both happened',
    );
  }
  if (task === 'binary' && groups.length !== 2) {
    throw wrong(
      `the ${column} of a binary task has ${groups.length} classes (${counts.slice(0, 10).join(', ')})`,
      "Derive a label of two values, or declare task: 'multiclass'",
    );
  }
  if (groups.length > MAX_CLASSES) {
    throw wrong(
      `the ${column} has ${groups.length} classes, more than ${MAX_CLASSES}`,
      "Group them, or declare task: 'regression' if it is a quantity",
    );
  }
  const thin = groups.find((group) => Math.min(group.train, group.holdout) < MIN_OF_CLASS);
  if (thin) {
    throw few(
      `class '${thin.class}' of ${column} has ${thin.train} training and ${thin.holdout} hold-out rows`,
    );
  }
}

async function checkNumbers(dataset: Dataset, label: string, column: string): Promise<void> {
  if (!isNumber(dataset, label)) {
    throw new MillraceError('LabelInvalid', {
      what: `the ${column} of a regression is no number`,
      fix: "Cast it in the model, or declare task: 'binary' or 'multiclass'",
    });
  }
  const value = `CAST(${quoteIdent(label)} AS DOUBLE)`;
  const [row] = await dataset.query(
    `SELECT count_if(NOT (isfinite(${value}) AND abs(${value}) <= 3.4028234e38))::INTEGER AS bad FROM rows`,
  );
  if (Number(row?.['bad']) === 0) return;
  throw new MillraceError('LabelInvalid', {
    what: `the ${column} is NaN, infinite or beyond 3.4e38 in ${Number(row?.['bad'])} rows`,
    fix: 'Make it null (such rows are not trained on) or a number in the model',
  });
}

function isNumber(dataset: Dataset, label: string): boolean {
  const found = dataset.columns.find(({ name }) => name === label);
  return found !== undefined && kindOf(found) === 'numeric';
}

/** SQL of a class's name; 1.0 and 1 are the same class, whatever number type holds them. */
function labelSql(dataset: Dataset, label: string, task: Task): string {
  const column = quoteIdent(label);
  const type = dataset.columns.find(({ name }) => name === label)?.type ?? '';
  if (task === 'regression' || !/^(FLOAT|DOUBLE|DECIMAL)/.test(type)) return `CAST(${column} AS VARCHAR)`;
  return `regexp_replace(CAST(${column} AS VARCHAR), '\\.0+$', '')`;
}

/**
 * SQL of the label as a FLOAT: class number or target.
 * A class that is not among `classes` becomes NaN.
 */
export function encodeLabelSql(dataset: Dataset, label: string, task: Task, classes: string[]): string {
  if (task === 'regression') return `CAST(${quoteIdent(label)} AS FLOAT)`;
  const codes = classes.map((name, code) => `WHEN ${quoteText(name)} THEN ${code}`).join(' ');
  return `CAST(CASE ${labelSql(dataset, label, task)} ${codes} ELSE 'NaN' END AS FLOAT)`;
}

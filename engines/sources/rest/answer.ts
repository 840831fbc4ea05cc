import { MillraceError } from '../../../schemas/errors.js';
import type { RestStream } from '../../../schemas/rest.js';
import { shownUrl } from '../../http/failure.js';
import type { ApiAnswer } from './api.js';
import { isObject, jsonLine, textOf, valueAt } from './json.js';

export interface Page {
  records: Record<string, unknown>[];
  /** records in all pages, as the answer says */
  total: number | undefined;
  answer: ApiAnswer;
}

/**
 * The records of an answer.
 * @param redact takes secrets out of a text
 * @throws MillraceError ApiError when a 200 is an error after all, FormatMismatch when it holds something else
 */
export function pageOf(answer: ApiAnswer, spec: RestStream, redact: (text: string) => string): Page {
  const { value, url } = answer;
  const where = { file: shownUrl(url) };
  const shown = (what: unknown): string => redact(jsonLine(what ?? null)).slice(0, 200);
  const error = errorIn(value, spec);
  if (error !== undefined) {
    throw new MillraceError('ApiError', {
      what: `${url.host} answers an error with status 200: ${shown(error)}`,
      where,
      fix: 'Check path, params and body of the stream; errorPath says where such errors are',
    });
  }
  const found = spec.records === undefined ? value : valueAt(value, spec.records);
  if (found === undefined && value !== undefined) {
    throw new MillraceError('FormatMismatch', {
      what: `The answer holds no '${spec.records}': ${shown(value)}`,
      where,
      fix: 'Correct records: the dotted path to the array of records',
    });
  }
  // APIs write an empty list as null, and an empty answer as no body at all
  const list = Array.isArray(found)
    ? (found as unknown[])
    : found === null || found === undefined
      ? []
      : [found];
  if (!Array.isArray(found) && list.length > 0 && spec.pagination.kind !== 'none') {
    throw new MillraceError('FormatMismatch', {
      what: `${spec.records === undefined ? 'The answer' : `'${spec.records}'`} is no array: ${shown(found)}`,
      where,
      fix: 'Pages need records: the dotted path to the array of records',
    });
  }
  const records = list.map((record) => (isObject(record) ? record : { value: record }));
  return { records, total: totalOf(answer, spec), answer };
}

/** Where no path is declared, an `error` that comes in place of records is one. */
function errorIn(value: unknown, { errorPath, records }: RestStream): unknown {
  if (errorPath !== undefined) return present(valueAt(value, errorPath));
  if (!isObject(value) || (records !== undefined && valueAt(value, records) !== undefined)) return undefined;
  return present(value['error']) ?? present(value['errors']);
}

const present = (value: unknown): unknown =>
  value === null ||
  value === false ||
  value === '' ||
  value === 0 ||
  (Array.isArray(value) && value.length === 0)
    ? undefined
    : value;

function totalOf({ value, headers, url }: ApiAnswer, { total: path }: RestStream): number | undefined {
  if (path === undefined) return undefined;
  const header = /^header:(.+)$/i.exec(path)?.[1];
  const text = header === undefined ? textOf(valueAt(value, path)) : headers[header.trim().toLowerCase()];
  return countOf(text, path, url);
}

/** @throws MillraceError FormatMismatch when a declared count is not there: without it nothing would be checked */
export function countOf(text: string | undefined, path: string, url: URL): number {
  if (text !== undefined && /^\d{1,15}$/.test(text.trim())) return Number(text);
  throw new MillraceError('FormatMismatch', {
    what:
      text === undefined ? `The answer holds no '${path}'` : `'${path}' is no count: ${text.slice(0, 40)}`,
    where: { file: shownUrl(url) },
    fix: `Correct the path of that count, or leave it out`,
  });
}

import type { Filter } from './filter.js';
import { str, toNumber } from './values.js';

/** `| wordwrap(width, break_long_words, wrapstring, break_on_hyphens)` */
export const wordWrap: Filter = (input, given) => {
  const width = given.number(0, 'width', 79);
  const breakLong = given.flag(1, 'break_long_words', true);
  const between = given.optionalText(2, 'wrapstring') ?? '\n';
  const wrapLine = (line: string): string[] => {
    const lines: string[] = [];
    let current = '';
    for (const word of line.split(/\s+/).filter(Boolean)) {
      let rest = word;
      if (current && current.length + 1 + rest.length <= width) {
        current += ` ${rest}`;
        continue;
      }
      if (breakLong && rest.length > width && current && current.length + 1 < width) {
        const room = width - current.length - 1;
        lines.push(`${current} ${rest.slice(0, room)}`);
        rest = rest.slice(room);
      } else if (current) lines.push(current);
      while (breakLong && rest.length > width) {
        lines.push(rest.slice(0, width));
        rest = rest.slice(width);
      }
      current = rest;
    }
    return current ? [...lines, current] : lines;
  };
  return str(input)
    .split('\n')
    .map((line) => wrapLine(line).join(between))
    .join(between);
};

const DECIMAL = ['kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'];
const BINARY = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB'];

/** `| filesizeformat(binary)` */
export const fileSize: Filter = (input, given) => {
  const bytes = typeof input === 'string' ? Number(input) : toNumber(input);
  const [base, units] = given.flag(0, 'binary') ? [1024, BINARY] : [1000, DECIMAL];
  if (bytes === 1) return '1 Byte';
  if (bytes < base) return `${Math.trunc(bytes)} Bytes`;
  let size = bytes / base;
  let unit = 0;
  while (size >= base && unit < units.length - 1) {
    size /= base;
    unit++;
  }
  return `${size.toFixed(1)} ${units[unit] as string}`;
};

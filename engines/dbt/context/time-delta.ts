import { Arguments } from '../jinja/arguments.js';
import { JinjaFault } from '../jinja/fault.js';
import { float, isNumber, PyObject, str, toNumber, type Kwargs, type Value } from '../jinja/values.js';

export const DAY = 86_400_000;
export const pad = (value: number, width = 2): string => String(value).padStart(width, '0');
/** milliseconds, to the microsecond */
export const exact = (ms: number): number => Math.round(ms * 1000) / 1000;

/** `03:04:05`, with six digits behind it where there are any */
export function clockText(ms: number): string {
  const seconds = Math.floor(exact(ms) / 1000);
  const micros = Math.round((ms - seconds * 1000) * 1000);
  const clock = `${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`;
  return `${pad(Math.floor(seconds / 3600))}:${clock}${micros === 0 ? '' : `.${pad(micros, 6)}`}`;
}

/** Python's `timedelta`: a length of time, in milliseconds. */
export class TimeDelta extends PyObject {
  readonly typeName = 'timedelta';
  constructor(readonly ms: number) {
    super();
  }

  static make(args: Value[], kwargs: Kwargs): TimeDelta {
    const given = new Arguments('timedelta()', args, kwargs);
    const parts: [string, number][] = [
      ['days', DAY],
      ['seconds', 1000],
      ['microseconds', 0.001],
      ['milliseconds', 1],
      ['minutes', 60_000],
      ['hours', 3_600_000],
      ['weeks', 7 * DAY],
    ];
    return new TimeDelta(
      exact(parts.reduce((sum, [name, unit], index) => sum + given.number(index, name, 0) * unit, 0)),
    );
  }

  override attribute(name: string): Value | undefined {
    const rest = this.ms - Math.floor(this.ms / DAY) * DAY;
    switch (name) {
      case 'days':
        return Math.floor(this.ms / DAY);
      case 'seconds':
        return Math.floor(rest / 1000);
      case 'microseconds':
        return Math.round((rest % 1000) * 1000);
      case 'total_seconds':
        return () => float(this.ms / 1000);
      default:
        return undefined;
    }
  }

  override operate(operator: string, other: Value, swapped: boolean): Value | undefined {
    if (other instanceof TimeDelta) {
      const [a, b] = swapped ? [other.ms, this.ms] : [this.ms, other.ms];
      if (operator === '+') return new TimeDelta(a + b);
      if (operator === '-') return new TimeDelta(a - b);
      if ((operator === '/' || operator === '//') && b === 0) throw new JinjaFault('division by zero');
      if (operator === '/') return float(a / b);
      if (operator === '//') return Math.floor(a / b);
      return undefined;
    }
    if (!isNumber(other)) return undefined;
    if (operator === '*') return new TimeDelta(exact(this.ms * toNumber(other)));
    if ((operator === '/' || operator === '//') && !swapped)
      return new TimeDelta(exact(this.ms / toNumber(other)));
    return undefined;
  }

  override compareTo(other: Value): number | undefined {
    return other instanceof TimeDelta ? this.ms - other.ms : undefined;
  }
  override equals(other: Value): boolean {
    return other instanceof TimeDelta && other.ms === this.ms;
  }
  override truthy(): boolean {
    return this.ms !== 0;
  }

  override toString(): string {
    const days = Math.floor(this.ms / DAY);
    const clock = clockText(this.ms - days * DAY).replace(/^0/, '');
    return days === 0 ? clock : `${days} day${Math.abs(days) === 1 ? '' : 's'}, ${clock}`;
  }

  override repr(): string {
    const [days, seconds, micros] = ['days', 'seconds', 'microseconds'].map((name) => this.attribute(name));
    const parts = Object.entries({ days, seconds, microseconds: micros }).filter(([, value]) => value !== 0);
    return `datetime.timedelta(${parts.map(([name, value]) => `${name}=${str(value ?? null)}`).join(', ') || '0'})`;
  }
}

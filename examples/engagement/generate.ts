import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { FIRST_DAY, behaviourBefore, makeCustomer } from './generator/customer.js';
import { DAMAGES, damage } from './generator/damage.js';
import { inclination, outcome, rocAuc } from './generator/outcome.js';
import { Random, hash } from './generator/random.js';
import { STORE_HEADER, WEB_HEADER, writeRecord } from './generator/record.js';
import { Sink } from './generator/sink.js';
import type { Damage } from './generator/damage.js';
import type { Snapshot } from './generator/record.js';

export interface WeekOptions {
  /** the source's root; files go to `<out>/customers/<week>/` */
  out: string;
  /** the week's Monday as `2025-11-03`; not before 2025-09-01 */
  week: string;
  customers: number;
  seed?: number;
  /** compress the stores' file; true by default */
  gzip?: boolean;
}

export interface WeekFile {
  stream: 'web_customers' | 'store_customers';
  path: string;
  /** records without the header, broken ones included */
  rows: number;
  brokenRows: number;
}

export interface Week {
  files: WeekFile[];
  /** records in all files; customers + duplicates + broken */
  rows: number;
  customers: number;
  duplicates: number;
  brokenRows: number;
  /** AUC of the log-odds behind the outcome on the drawn outcomes, over at most 100,000 customers */
  attainableAuc: number;
}

const SHARE = { duplicate: 0.01, broken: 0.003 } as const;
const AUC_SAMPLE = 100_000;
const TOPIC = { outcome: 101, record: 102, slip: 103 } as const;

/**
 * Writes one week of customer files, the same bytes for the same options. Time and memory: about 9 seconds a million
 * customers, memory independent of their number.
 *
 * @throws RangeError for a week that is not a Monday from 2025-09-01 on, or a number of customers out of range
 */
export async function generateWeek({
  out,
  week,
  customers,
  seed = 7,
  gzip = true,
}: WeekOptions): Promise<Week> {
  const day = mondayOf(week);
  if (!Number.isInteger(customers) || customers < 1 || customers > 99_999_999)
    throw new RangeError(`customers must be a whole number from 1 to 99999999, not ${customers}`);
  const weekNumber = (day - 4) / 7;
  const folder = join(out, 'customers', week);
  await mkdir(folder, { recursive: true });
  const web = new Stream('web', new Sink(join(folder, 'web.csv'), 'utf-8', false));
  const stores = new Stream(
    'store',
    new Sink(join(folder, `stores.csv${gzip ? '.gz' : ''}`), 'windows-1252', gzip),
  );

  const snapshot = (number: number): Snapshot & { logOdds: number } => {
    const customer = makeCustomer(seed, number);
    const behaviour = behaviourBefore(seed, customer, weekNumber);
    const logOdds = inclination(customer, behaviour, weekNumber, day);
    const luck = new Random(hash(seed, number, weekNumber, TOPIC.outcome));
    return {
      customer,
      behaviour,
      day,
      logOdds,
      engaged: outcome(logOdds, luck.normal(), luck.next()),
      stale: false,
    };
  };
  const homeOf = ({ customer }: Snapshot): Stream => (customer.channel === 'store' ? stores : web);

  const stride = Math.ceil(customers / AUC_SAMPLE);
  const scores: number[] = [];
  const labels: number[] = [];
  let duplicates = 0;
  for (let number = 1; number <= customers; number++) {
    const current = snapshot(number);
    const random = new Random(hash(seed, number, weekNumber, TOPIC.record));
    const home = homeOf(current);
    home.write(current, random);
    if (current.customer.inBoth) {
      duplicates++;
      (home === web ? stores : web).write({ ...current, stale: true }, random);
    }
    // what goes wrong here concerns any customer, so a duplicate stands far from its original
    const slip = new Random(hash(seed, number, weekNumber, TOPIC.slip));
    if (slip.chance(SHARE.duplicate)) {
      const twice = snapshot(1 + slip.below(customers));
      duplicates++;
      homeOf(twice).write({ ...twice, stale: true }, slip);
    }
    if (slip.chance(SHARE.broken)) {
      const victim = snapshot(1 + slip.below(customers));
      homeOf(victim).writeBroken(victim, slip);
    }
    if (number % stride === 0) {
      scores.push(current.logOdds);
      labels.push(current.engaged);
    }
    if (number % 1_000 === 0) await Promise.all([web.sink.ready(), stores.sink.ready()]);
  }
  await Promise.all([web.sink.close(), stores.sink.close()]);

  const files = [web.summary('web_customers'), stores.summary('store_customers')];
  return {
    files,
    rows: web.rows + stores.rows,
    customers,
    duplicates,
    brokenRows: web.broken + stores.broken,
    attainableAuc: rocAuc(scores, labels),
  };
}

/** The web shop's or the tills' file. */
class Stream {
  rows = 0;
  broken = 0;
  private readonly delimiter: string;
  private readonly damages: readonly Damage[];

  constructor(
    private readonly system: 'web' | 'store',
    readonly sink: Sink,
  ) {
    this.delimiter = system === 'web' ? ',' : ';';
    // every byte is a character in the tills' encoding, so there none can be wrong
    this.damages = system === 'web' ? DAMAGES : DAMAGES.filter((kind) => kind !== 'wrongEncoding');
    sink.line(system === 'web' ? WEB_HEADER : STORE_HEADER);
  }

  write(snapshot: Snapshot, random: Random): void {
    this.rows++;
    this.sink.line(writeRecord(this.system, snapshot, random).join(this.delimiter));
  }

  /** A damaged copy of a record that is intact elsewhere in the file. */
  writeBroken(snapshot: Snapshot, random: Random): void {
    this.rows++;
    this.broken++;
    const fields = writeRecord(this.system, snapshot, random);
    const { line, foreign } = damage(random.pick(this.damages), this.system, fields, random);
    if (foreign) this.sink.foreignLine(line);
    else this.sink.line(line);
  }

  summary(stream: WeekFile['stream']): WeekFile {
    return { stream, path: this.sink.path, rows: this.rows, brokenRows: this.broken };
  }
}

/** @returns days since 1970-01-01 */
function mondayOf(week: string): number {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(week) ? Date.parse(`${week}T00:00:00Z`) / 86_400_000 : NaN;
  if (!(day >= FIRST_DAY) || (day - 4) % 7 !== 0)
    throw new RangeError(`week must be a Monday from 2025-09-01 on, like 2025-11-03, not '${week}'`);
  return day;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: fileURLToPath(new URL('./data', import.meta.url)) },
      week: { type: 'string', default: '2025-11-03' },
      customers: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '7' },
    },
  });
  const { out, week, customers, seed } = values;
  const written = await generateWeek({ out, week, customers: Number(customers), seed: Number(seed) });
  process.stdout.write(`${JSON.stringify(written, null, 2)}\n`);
}

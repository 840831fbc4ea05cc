import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encoder } from './ebcdic.js';

const { text, zoned, packed, binary, record } = encoder('cp037');

const CITIES = [
  ['BERLIN', 'DE'],
  ['LYON', 'FR'],
  ['PORTO', 'PT'],
  ['TURIN', 'IT'],
  ['GRAZ', 'AT'],
] as const;
/** Bytes of an inventory record; entries that change no row have as many blanks. */
const IMAGE_BYTES = 69;
const ENTRIES_A_DAY = 20;
const ITEMS = ['BOLT M8', 'NUT M8', 'WASHER', 'BRACKET', 'HINGE', 'HANDLE', 'SPRING', 'VALVE'];

/** A small generator with a seed: the same day gives the same bytes. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** IBM i's packed date: century (0 for 19xx), year, month, day. */
const cyymmdd = (day: Date): number =>
  (day.getUTCFullYear() - 1900) * 10_000 + (day.getUTCMonth() + 1) * 100 + day.getUTCDate();

/**
 * Writes the export of one day as an AS/400 would: customers, sales and inventory in EBCDIC, the inventory's journal,
 * and a marker beside each file once it is complete.
 * @param day 0-based day of the story: customers move, items are added, sold and dropped as it goes on
 */
export async function generateDay(options: { out: string; date: string; day: number }): Promise<{
  customers: number;
  sales: number;
  lines: number;
  journal: number;
  broken: number;
}> {
  const { out, date, day } = options;
  const today = new Date(`${date}T00:00:00Z`);
  const folder = join(out, date.replaceAll('-', ''));
  await mkdir(folder, { recursive: true });
  const write = async (name: string, records: Buffer[]): Promise<void> => {
    await writeFile(join(folder, name), Buffer.concat(records));
    await writeFile(join(folder, `${name}.done`), '');
  };

  const customers = Array.from({ length: 2_000 + 20 * day }, (_, index) => customer(index, day));
  await write('CUSTMAST', customers);

  const next = random(7 + day);
  const sales: Buffer[] = [];
  let lines = 0;
  const count = 3_000;
  for (let index = 0; index < count; index++) {
    const number = day * 100_000 + index + 1;
    sales.push(
      record(
        text('H', 1),
        binary(number, 4),
        packed(1 + next(customers.length), 7),
        packed(cyymmdd(today), 7, true),
        text(`S${String(1 + next(12)).padStart(3, '0')}`, 4),
      ),
    );
    for (let line = 1; line <= 1 + next(4); line++, lines++) {
      sales.push(
        record(
          text('L', 1),
          binary(number, 4),
          packed(line, 3),
          text(itemCode(next(ITEMS.length)), 8),
          packed(1 + next(20), 5, true),
          packed(199 + next(90_000), 9, true),
        ),
      );
    }
  }
  // what a damaged transfer looks like: a packed price whose last nibble is no sign
  const broken = Buffer.from(sales.findLast((one) => one.length > 30) ?? sales.at(-1)!);
  broken[broken.length - 1] = 0x37;
  sales.push(broken);
  await write('SALES', sales);

  const inventory = ITEMS.map((name, index) => stock(itemCode(index), name, 1_000 + 37 * index, day));
  if (day === 0) await write('INVENT', inventory);
  else await write('INVENT', inventory.slice(0, 2));

  const journal: Buffer[] = [];
  // the journal's numbers go on from day to day
  let sequence = day * ENTRIES_A_DAY;
  const entry = (kind: string, image: Buffer, code = 'R'): void => {
    sequence++;
    journal.push(Buffer.concat([journalHeader(code, kind, sequence, today, image.length), image]));
  };
  const blank = text('', IMAGE_BYTES);
  entry('OP', blank, 'F');
  for (let index = 0; index < ITEMS.length; index++) {
    const name = ITEMS[index] as string;
    if (day === 0) entry('PT', stock(itemCode(index), name, 1_000 + 37 * index, 0));
    else {
      entry('UB', stock(itemCode(index), name, 1_000 + 37 * index, day - 1));
      entry('UP', stock(itemCode(index), name, 1_000 + 37 * index, day));
    }
  }
  if (day === 1) entry('PT', stock('IT900', 'CLAMP', 500, day));
  if (day === 2) entry('DL', stock('IT900', 'CLAMP', 500, day));
  while (journal.length < ENTRIES_A_DAY) entry('CM', blank, 'C');
  await write('INVJRN', journal);
  return { customers: customers.length, sales: count, lines, journal: journal.length, broken: 1 };
}

const itemCode = (index: number): string => `IT${100 + index}`;

function customer(index: number, day: number): Buffer {
  const next = random(index + 1);
  // some move to the next city each day
  const [city, country] = CITIES[(next(CITIES.length) + (index % 97 === day ? 1 : 0)) % CITIES.length]!;
  return Buffer.concat([
    packed(index + 1, 7),
    text(`CUSTOMER ${index + 1}`, 30),
    text(city, 20),
    text(country, 2),
    packed(cyymmdd(new Date(Date.UTC(1995 + next(30), next(12), 1 + next(28)))), 7, true),
    packed(next(5_000_000), 11, true),
    text(next(25) === 0 ? 'C' : 'A', 1),
  ]);
}

function stock(item: string, description: string, cost: number, day: number): Buffer {
  const sites = ['BER', 'LYS', 'OPO'].map((code, index) => ({ code, quantity: 100 + 10 * index - 7 * day }));
  return Buffer.concat([
    text(item, 8),
    text(description, 30),
    packed(cost * 1_000, 11, true),
    packed(
      sites.reduce((sum, { quantity }) => sum + quantity, 0),
      7,
      true,
    ),
    ...sites.flatMap(({ code, quantity }) => [text(code, 3), binary(quantity, 4)]),
  ]);
}

function journalHeader(code: string, kind: string, sequence: number, day: Date, length: number): Buffer {
  return Buffer.concat([
    zoned(125 + length, 5),
    zoned(sequence, 10),
    text(code, 1),
    text(kind, 2),
    text(day.toISOString().slice(2, 10).replaceAll('-', ''), 6),
    zoned(180_000 + (sequence % 60), 6),
    text('QINTER', 10),
    text('STOCK', 10),
    zoned(123_456, 6),
    text('INV100', 10),
    text('INVENT', 10),
    text('PRODLIB', 10),
    text('INVENT', 10),
    zoned(sequence, 10),
    text('0', 1),
    zoned(0, 10),
    text('0', 1),
    text('0', 1),
    text('', 6),
  ]);
}

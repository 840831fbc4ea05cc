/** The days that the sample has a file for; long past, so that their intervals are complete wherever it is tried. */
export const SAMPLE_DAYS = ['2025-09-01', '2025-09-02', '2025-09-03', '2025-09-04'];
const ORDERS_A_DAY = 30;

const PRODUCTS = [
  { name: 'espresso', price: 2.4 },
  { name: 'flat white', price: 3.9 },
  { name: 'filter, large', price: 4.5 },
  { name: 'croissant', price: 2.8 },
  { name: 'beans 250 g', price: 11.5 },
];
const CITIES = ['Berlin', 'Kraków', 'Málaga', 'Lyon'];

/** One CSV file a day, always the same; the third has one record that cannot be read, to be found in quarantine. */
export function sampleOrders(): { day: string; csv: string }[] {
  const random = generator(20250901);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  let id = 1000;
  return SAMPLE_DAYS.map((day, index) => {
    const lines = ['order_id,ordered_at,customer,city,product,quantity,amount,status'];
    for (let n = 0; n < ORDERS_A_DAY; n++) {
      const { name, price } = pick(PRODUCTS);
      const quantity = 1 + Math.floor(random() * 4);
      const minute = 7 * 60 + n * 20 + Math.floor(random() * 20);
      const time = `${two(Math.floor(minute / 60))}:${two(minute % 60)}:00`;
      const customer = `c${100 + Math.floor(random() * 40)}`;
      const status = random() < 0.08 ? 'returned' : 'paid';
      const amount = index === 2 && n === 11 ? 'twelve' : (price * quantity).toFixed(2);
      const product = name.includes(',') ? `"${name}"` : name;
      lines.push(
        [id++, `${day} ${time}`, customer, pick(CITIES), product, quantity, amount, status].join(','),
      );
    }
    return { day, csv: lines.join('\n') + '\n' };
  });
}

const two = (n: number): string => String(n).padStart(2, '0');

/** Mulberry32: small, seeded, and the same everywhere. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

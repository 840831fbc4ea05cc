import { Random, hash, poisson, uniform } from './random.js';
import { CHANNELS, COUNTRIES, PLANS, REFERRALS, plain } from './vocabulary.js';
import type { Channel, Plan } from './vocabulary.js';

/** Customers have signed up before this day, so files can be made for weeks from here on. Days count from 1970-01-01. */
export const FIRST_DAY = Date.UTC(2025, 8, 1) / 86_400_000;

/** What stays with a customer from week to week. */
export interface Customer {
  number: number;
  id: string;
  name: string;
  email: string;
  birthDay: number;
  signupDay: number;
  country: string;
  city: string;
  channel: Channel;
  plan: Plan;
  referral: string;
  newsletter: boolean;
  /** also known to the other channel's system */
  inBoth: boolean;
  /** sessions in an ordinary week */
  rate: number;
  /** chance that a session ends in a purchase */
  conversion: number;
  /** usual basket in cents */
  basket: number;
  /** share of spending at a discount, share of goods sent back, 0..1 */
  discount: number;
  returns: number;
  /** chance of a support ticket in a week */
  trouble: number;
  /** week from which the customer hardly comes any more */
  lapseWeek: number;
}

/** What happened in the 28 days before a week begins (tickets: 91 days). */
export interface Behaviour {
  sessions7: number;
  sessions28: number;
  purchases28: number;
  /** cents */
  spend28: number;
  tickets90: number;
  /** null: not within 16 weeks */
  daysSinceVisit: number | null;
  /** null without a purchase */
  discountShare: number | null;
  returnsShare: number | null;
}

const TOPIC = {
  customer: 1,
  sessions: 2,
  pace: 3,
  purchases: 4,
  basket: 5,
  tickets: 6,
  visitDay: 7,
  shares: 8,
} as const;

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

export function makeCustomer(seed: number, number: number): Customer {
  const random = new Random(hash(seed, number, TOPIC.customer));
  const country = random.weighted(COUNTRIES);
  const first = random.pick(country.first);
  const last = random.pick(country.last);
  const channel = random.weighted(CHANNELS);
  const plan = random.weighted(PLANS);
  const affinity = random.normal() + (plan === 'plus' ? 0.3 : plan === 'business' ? 0.6 : 0);
  const age = clamp(38 + 13 * random.normal() + (channel === 'store' ? 7 : 0), 18, 92);
  const id = `C${String(number).padStart(8, '0')}`;
  return {
    number,
    id,
    name: `${first} ${last}`,
    email: `${plain(first)}.${plain(last)}${number}@example.com`,
    birthDay: Math.round(FIRST_DAY - age * 365.25 - random.next() * 365),
    signupDay: signupDay(random),
    country: country.code,
    city: country.cities[Math.floor(country.cities.length * random.next() ** 2.2)] as string,
    channel,
    plan,
    referral: random.weighted(REFERRALS),
    newsletter: random.chance(0.42),
    inBoth: random.chance(0.02),
    rate: 1.15 * Math.exp(0.95 * affinity),
    conversion: 0.3 / (1 + Math.exp(0.6 - 0.7 * random.normal() - 0.25 * affinity)),
    basket: 3_400 * Math.exp(0.75 * random.normal()),
    discount: random.next() ** 1.7,
    returns: 0.7 * random.next() ** 3,
    trouble: 0.12 * random.next() ** 2.5,
    lapseWeek: random.chance(0.4) ? Math.floor(FIRST_DAY / 7) + random.below(80) - 40 : Infinity,
  };
}

/** More sign-ups in recent years, and twice as many in November and December. */
function signupDay(random: Random): number {
  for (;;) {
    const day = Math.floor(FIRST_DAY - 1 - 3_200 * random.next() ** 1.8);
    const month = new Date(day * 86_400_000).getUTCMonth();
    if (month >= 10 || random.chance(0.5)) return day;
  }
}

/** Busiest in early December, quietest in early June: a factor around 1. */
const season = (week: number): number => 1 + 0.22 * Math.cos((2 * Math.PI * (week * 7 - 338)) / 365.25);

function sessionsIn(seed: number, customer: Customer, week: number): number {
  const pace = Math.exp(0.9 * (uniform(seed, customer.number, week, TOPIC.pace) - 0.5));
  const lapsed = week >= customer.lapseWeek ? 0.04 : 1;
  return poisson(
    customer.rate * season(week) * pace * lapsed,
    uniform(seed, customer.number, week, TOPIC.sessions),
  );
}

/**
 * Sums the weeks before `week`, each a function of (seed, customer, that week): consecutive files overlap by three of
 * the four weeks they sum up.
 *
 * @param week weeks since 1970-01-05, a Monday
 */
export function behaviourBefore(seed: number, customer: Customer, week: number): Behaviour {
  const { number } = customer;
  const weekly = [1, 2, 3, 4].map((back) => sessionsIn(seed, customer, week - back));
  let purchases28 = 0;
  let spend28 = 0;
  let tickets90 = 0;
  for (const [index, sessions] of weekly.entries()) {
    const past = week - 1 - index;
    const mean = sessions * customer.conversion;
    const purchases =
      mean > 0 ? Math.min(sessions, poisson(mean, uniform(seed, number, past, TOPIC.purchases))) : 0;
    purchases28 += purchases;
    if (purchases > 0)
      spend28 += purchases * customer.basket * (0.6 + 0.8 * uniform(seed, number, past, TOPIC.basket));
  }
  for (let back = 1; back <= 13; back++)
    if (uniform(seed, number, week - back, TOPIC.tickets) < customer.trouble) tickets90++;

  let back = weekly.findIndex((sessions) => sessions > 0) + 1;
  if (back === 0) {
    for (let past = 5; past <= 16 && back === 0; past++)
      if (sessionsIn(seed, customer, week - past) > 0) back = past;
  }
  // the more sessions a week had, the nearer its end the last one lies
  const lastDay = uniform(seed, number, week - back, TOPIC.visitDay) ** ((weekly[back - 1] ?? 1) || 1);
  const shares = new Random(hash(seed, number, week, TOPIC.shares));
  return {
    sessions7: weekly[0] as number,
    sessions28: weekly.reduce((sum, sessions) => sum + sessions, 0),
    purchases28,
    spend28: Math.round(spend28),
    tickets90,
    daysSinceVisit: back === 0 ? null : Math.floor((back - 1) * 7 + 7 * lastDay),
    discountShare: purchases28 ? clamp(customer.discount + 0.1 * shares.normal(), 0, 1) : null,
    returnsShare: purchases28 ? clamp(customer.returns + 0.05 * shares.normal(), 0, 1) : null,
  };
}

import type { Behaviour, Customer } from './customer.js';
import type { Random } from './random.js';
import { APP_VERSIONS } from './vocabulary.js';

export const WEB_HEADER =
  'customer_id,full_name,email,birth_date,signup_date,country,city,channel,plan,referral_source,newsletter,app_version,' +
  'sessions_7d,sessions_28d,purchases_28d,spend_28d,avg_basket,support_tickets_90d,days_since_last_visit,' +
  'discount_share,returns_share,updated_at,snapshot_week,engaged_7d';

export const STORE_HEADER =
  'customer_no;name;mail;born;joined;country;city;tariff;referral;newsletter;store_id;visits_7d;visits_28d;purchases_28d;' +
  'spend_28d;avg_basket;tickets_90d;last_visit_days;discount_share;returns_share;changed_at;snapshot_week;engaged_7d';

/** One customer's state for one week as it is in the world, before a system writes it down. */
export interface Snapshot {
  customer: Customer;
  behaviour: Behaviour;
  /** first day of the week, counted from 1970-01-01 */
  day: number;
  engaged: 0 | 1;
  /** written earlier in the week, before the last visits and the outcome were known */
  stale: boolean;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const isoDays = new Map<number, string>();

/** @param day days since 1970-01-01 @returns `2025-11-03` */
export function isoDay(day: number): string {
  let text = isoDays.get(day);
  if (text === undefined) isoDays.set(day, (text = new Date(day * 86_400_000).toISOString().slice(0, 10)));
  return text;
}

/** The tills' dates: mostly 03/11/2025, from the new tills 2025-11-03, and a few 3 Nov 2025 typed by hand. */
function tillDay(day: number, random: Random): string {
  const [year, month, date] = isoDay(day).split('-') as [string, string, string];
  const style = random.next();
  if (style < 0.8) return `${date}/${month}/${year}`;
  return style < 0.96 ? isoDay(day) : `${date} ${MONTHS[Number(month) - 1]} ${year}`;
}

const two = (value: number): string => (value < 10 ? `0${value}` : String(value));
const money = (cents: number): string => (cents / 100).toFixed(2);
const truth = { web: ['true', 'false'], store: ['J', 'N'] } as const;

/**
 * Writes a snapshot down the way the web shop or the tills do: values get lost (more often where a partner or an idle
 * customer is concerned), and a few are absurd.
 *
 * @returns the fields in the order of the stream's header
 */
export function writeRecord(system: 'web' | 'store', snapshot: Snapshot, random: Random): string[] {
  const { customer, day, stale } = snapshot;
  const web = system === 'web';
  const behaviour = stale ? beforeLastWeek(snapshot.behaviour) : snapshot.behaviour;
  const { sessions7, sessions28, purchases28, spend28, daysSinceVisit, discountShare, returnsShare } =
    behaviour;
  const lost = (share: number): boolean => random.chance(share);
  const keep = (share: number, text: string): string =>
    lost(share) ? (random.chance(0.7) ? '' : web ? 'NULL' : 'n/a') : text;
  const partner = customer.channel === 'partner';
  const idle = sessions28 === 0;
  const robot = random.chance(0.0005) ? 4_000 + random.below(5_000) : 0;
  const cents = spend28 * (random.chance(0.001) ? 100 : 1);
  const birthDay = random.chance(0.003) ? -25_567 : customer.birthDay; // 1900-01-01, what an empty form sends
  const date = (value: number): string => (web ? isoDay(value) : tillDay(value, random));
  const updated = day + (stale ? random.below(6) : 6);
  const clock = `${two(stale ? random.below(24) : 18 + random.below(6))}:${two(random.below(60))}`;

  const who = [
    customer.id,
    customer.name,
    keep(0.02, customer.email),
    keep(partner ? 0.14 : 0.05, date(birthDay)),
    date(customer.signupDay),
    customer.country,
    keep(0.04, customer.city),
  ];
  const newsletter = keep(0.03, truth[system][customer.newsletter ? 0 : 1]);
  const plan = customer.plan;
  const referral = keep(0.06, customer.referral);
  const app = customer.channel === 'app' ? keep(0.04, random.weighted(APP_VERSIONS)) : '';
  const did = [
    keep(0.03, String(sessions7 + robot)),
    keep(0.03, String(sessions28 + 4 * robot)),
    String(purchases28),
    keep(0.04, money(cents)),
    purchases28 ? keep(0.03, money(Math.round(cents / purchases28))) : '',
    keep(partner ? 0.1 : 0.03, String(behaviour.tickets90)),
    daysSinceVisit === null ? '' : keep(0.03, String(daysSinceVisit)),
    discountShare === null ? '' : keep(0.04, discountShare.toFixed(3)),
    returnsShare === null ? '' : keep(0.04, returnsShare.toFixed(3)),
  ];
  const updatedAt = web
    ? `${isoDay(updated)} ${clock}:${two(random.below(60))}`
    : `${isoDay(updated).split('-').reverse().join('/')} ${clock}`;
  // about a tenth have not agreed to be measured, idle ones more often
  const label = stale || lost(idle ? 0.14 : 0.09) ? '' : String(snapshot.engaged);
  const end = [updatedAt, isoDay(day), label];
  return web
    ? [...who, customer.channel, plan, referral, newsletter, app, ...did, ...end]
    : [
        ...who,
        plan,
        referral,
        newsletter,
        `${customer.country}-${two(customer.number % 40)}`,
        ...did,
        ...end,
      ];
}

/** What the systems knew of a customer before the last seven days were counted. */
function beforeLastWeek(behaviour: Behaviour): Behaviour {
  const { sessions7, sessions28, daysSinceVisit } = behaviour;
  return {
    ...behaviour,
    sessions7: 0,
    sessions28: sessions28 - sessions7,
    daysSinceVisit: daysSinceVisit === null ? null : Math.max(7, daysSinceVisit),
  };
}

import type { Behaviour, Customer } from './customer.js';

/**
 * Each week one campaign lifts one segment: that is what changes between weeks, and what a predictor trained on last
 * week's outcomes does not know yet.
 */
const CAMPAIGNS: readonly ((customer: Customer, behaviour: Behaviour, age: number) => boolean)[] = [
  (customer) => customer.channel === 'app',
  (_, behaviour) => (behaviour.discountShare ?? 0) > 0.4,
  (_customer, _behaviour, age) => age < 30,
  (customer) => customer.newsletter && customer.plan !== 'free',
  (customer) => customer.referral === 'partner' || customer.channel === 'partner',
  (_, behaviour) => behaviour.spend28 > 15_000,
];

const PLAN_EFFECT = { free: -0.35, basic: 0, plus: 0.3, business: 0.1 } as const;
const TICKET_EFFECT = [0, 0.2, -0.35, -1] as const;

const SCALE = 1.45;
const INTERCEPT = -3.75;
const CAMPAIGN_LIFT = 0.7;

/**
 * How inclined a customer is to follow an offer in the week, as log-odds: what the columns of the file can tell, and
 * no more. The outcome is drawn from it with noise that no column carries.
 *
 * @param week weeks since 1970-01-05, a Monday
 * @param day the week's first day, counted from 1970-01-01
 */
export function inclination(customer: Customer, behaviour: Behaviour, week: number, day: number): number {
  const { sessions7, sessions28, tickets90, daysSinceVisit, discountShare, returnsShare, spend28 } =
    behaviour;
  const age = (day - customer.birthDay) / 365.25;
  const tenure = day - customer.signupDay;
  const bargain = discountShare ?? 0;
  let effect = 1.7 * Math.tanh(Math.log1p(sessions28) / 1.9);
  effect += daysSinceVisit === null ? -0.4 : 1.3 * Math.exp(-daysSinceVisit / 8);
  effect += 0.9 * ((4 * sessions7 - sessions28) / (sessions28 + 4));
  effect += 0.16 * Math.max(0, Math.log1p(spend28 / 100) - 2);
  effect += TICKET_EFFECT[Math.min(tickets90, 3)] as number;
  effect += customer.newsletter ? 0.4 + 0.7 * bargain : 0;
  effect -= bargain > 0.6 && customer.plan !== 'free' ? 0.5 : 0;
  effect -= (returnsShare ?? 0) > 0.3 ? 0.8 : 0;
  effect += 0.7 * Math.exp(-tenure / 90);
  effect -= 0.35 * Math.min(2.5, ((age - 40) / 18) ** 2);
  effect += PLAN_EFFECT[customer.plan];
  const campaign = CAMPAIGNS[week % CAMPAIGNS.length];
  if (campaign?.(customer, behaviour, age)) effect += CAMPAIGN_LIFT;
  return SCALE * effect + INTERCEPT;
}

/** Spread of what no column shows (weather, mood, the competitor's offer), in log-odds. */
const NOISE = 0.6;

/**
 * @param normal a standard normal draw, @param u a uniform draw in [0, 1)
 * @returns 1 when the customer follows an offer in the week
 */
export const outcome = (logOdds: number, normal: number, u: number): 0 | 1 =>
  u < 1 / (1 + Math.exp(-logOdds - NOISE * normal)) ? 1 : 0;

/**
 * Area under the ROC curve by ranks (Mann-Whitney), ties at their mean rank: 0.5 is chance, 1 is perfect.
 *
 * @returns NaN when only one outcome occurs
 */
export function rocAuc(scores: readonly number[], labels: readonly number[]): number {
  const order = scores.map((_, index) => index).sort((a, b) => (scores[a] as number) - (scores[b] as number));
  let positives = 0;
  let ranks = 0;
  for (let start = 0; start < order.length;) {
    let end = start;
    while (end < order.length && scores[order[end] as number] === scores[order[start] as number]) end++;
    for (let at = start; at < end; at++) {
      if (labels[order[at] as number] !== 1) continue;
      positives++;
      ranks += (start + 1 + end) / 2;
    }
    start = end;
  }
  return (ranks - (positives * (positives + 1)) / 2) / (positives * (order.length - positives));
}

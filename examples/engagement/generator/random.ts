/**
 * Small, seeded randomness. Every draw is a function of what it is about (seed, customer, week, topic), never of the
 * order in which files are written, so the same customer is the same person in every week and at every size.
 */

/** @returns 32 well-mixed bits of four integers (MurmurHash3's rounds and finalizer) */
export function hash(a: number, b: number, c = 0, d = 0): number {
  let h = round(round(round(round(0x9747b28c, a), b), c), d);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function round(h: number, part: number): number {
  const spread = Math.imul(part, 0xcc9e2d51);
  const mixed = h ^ Math.imul((spread << 15) | (spread >>> 17), 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

/** @returns a number in [0, 1) */
export const uniform = (a: number, b: number, c = 0, d = 0): number => hash(a, b, c, d) / 2 ** 32;

/** @returns a Poisson count for the quantile `u` in [0, 1); a mean above 60 is read as 60 */
export function poisson(mean: number, u: number): number {
  const bounded = Math.min(mean, 60);
  let term = Math.exp(-bounded);
  let total = term;
  let count = 0;
  while (u > total && count < 200) {
    term *= bounded / ++count;
    total += term;
  }
  return count;
}

/** A sequence of draws (splitmix32) for one subject. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  /** @returns a number in [0, 1) */
  next(): number {
    this.state = (this.state + 0x9e3779b9) | 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** @returns an integer in [0, below) */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** @returns a standard normal draw (Box-Muller) */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** Picks by weights that add up to 1. */
  weighted<T>(items: readonly (readonly [T, number])[]): T {
    let rest = this.next();
    for (const [item, weight] of items) if ((rest -= weight) < 0) return item;
    return (items[items.length - 1] as readonly [T, number])[0];
  }
}

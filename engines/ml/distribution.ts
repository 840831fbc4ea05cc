import type { Distribution } from '../../schemas/train.js';
import { shares } from './drift.js';

/** A category beyond these is counted with the rest. */
const MAX_BINS = 20;

/** @returns counters for the bins of `edges`: below the first, from each edge up, and missing */
export const emptyBins = (edges: number[]): number[] => new Array<number>(edges.length + 2).fill(0);

/**
 * Finds the bin of each value, NaN being in the last. Held against every edge: there are few, and a search would branch
 * by chance, which costs twice as much.
 */
export function binCodes(
  edges: number[],
  values: Float32Array,
  codes = new Uint8Array(values.length),
): Uint8Array {
  const last = edges.length + 1;
  for (let row = 0; row < values.length; row++) {
    const value = values[row]!;
    let bin = 0;
    for (let at = 0; at < edges.length; at++) bin += Number(value >= edges[at]!);
    codes[row] = value === value ? bin : last;
  }
  return codes;
}

/** @param usable 1 for a row that counts, 0 for one that does not */
export function addBins(bins: number[], codes: Uint8Array, usable: Float32Array): void {
  for (let row = 0; row < usable.length; row++) bins[codes[row]!]! += usable[row]!;
}

/** @returns up to nine edges between the deciles of the values that are not NaN; equal ones once */
export function decileEdges(values: Float32Array): number[] {
  const sorted = values.filter((value) => value === value).sort();
  if (sorted.length === 0) return [];
  const edges = Array.from({ length: 9 }, (_, at) => sorted[Math.floor(((at + 1) * sorted.length) / 10)]!);
  return [...new Set(edges)].filter((edge) => edge > sorted[0]!);
}

/** @returns an edge between each two codes 0, 1, 2, …; the rarest share the last bin */
export const codeEdges = (codes: number): number[] =>
  Array.from({ length: Math.max(0, Math.min(codes, MAX_BINS) - 1) }, (_, at) => at + 0.5);

/** @returns edges that cut `low..high` into 20 bins of equal width; what is outside falls into the outer ones */
export const evenEdges = (low: number, high: number): number[] =>
  high > low ? Array.from({ length: 19 }, (_, at) => low + ((at + 1) * (high - low)) / 20) : [];

export function distribution(edges: number[], values: Float32Array): Distribution {
  const bins = emptyBins(edges);
  for (const code of binCodes(edges, values)) bins[code]!++;
  return { edges, shares: shares(bins) ?? bins };
}

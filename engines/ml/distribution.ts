import type { Distribution } from '../../schemas/train.js';
import { shares } from './drift.js';

/** A category beyond these is counted with the rest. */
const MAX_BINS = 20;

/** @returns counters for the bins of `edges`: below the first, from each edge up, and missing */
export const emptyBins = (edges: number[]): number[] => new Array<number>(edges.length + 2).fill(0);

/** Counts `length` values of a strided array into bins; NaN goes into the last. */
export function countBins(
  bins: number[],
  edges: number[],
  values: Float32Array,
  start: number,
  stride: number,
  length: number,
): void {
  const last = edges.length + 1;
  for (let row = 0, at = start; row < length; row++, at += stride) {
    const value = values[at]!;
    let bin = last;
    if (value === value) {
      let high = edges.length;
      bin = 0;
      while (bin < high) {
        const middle = (bin + high) >> 1;
        if (value >= edges[middle]!) bin = middle + 1;
        else high = middle;
      }
    }
    bins[bin]!++;
  }
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
  countBins(bins, edges, values, 0, 1, values.length);
  return { edges, shares: shares(bins) ?? bins };
}

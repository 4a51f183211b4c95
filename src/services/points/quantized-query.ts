import type { Distance } from '../../types.js';
import { inverseNormAt } from './distance.js';

/** Rows have numbers of this size at most. */
export const ROW_CODE_MAX = 127;

/** Of a query at most; it is in 16 bits. */
const QUERY_CODE_MAX = 2 ** 15 - 1;

/**
 * More than rounding can do to an exact score and to what is computed here, which is in doubles, for
 * up to 65,536 dimensions. Relative to the lengths of both vectors.
 */
const ROUNDING = 2 ** -32;

/** The rows' numbers are read 16 at a time. */
export function paddedLength(dimensions: number): number {
  return Math.ceil(dimensions / 16) * 16;
}

/** The largest number in a query: the sum of its products with a row's must stay in 32 bits. */
function queryCodeMax(dimensions: number): number {
  return Math.min(QUERY_CODE_MAX, Math.floor((2 ** 31 - 1) / (ROW_CODE_MAX * dimensions)));
}

/**
 * How far a quantized query of length 1 may be from the query: half a step in each of its numbers,
 * the largest of which is no larger than its length.
 */
export function queryError(dimensions: number): number {
  return Math.sqrt(dimensions) / 2 / queryCodeMax(dimensions);
}

/** A query in 16 bits: `codes` times `scale`. For cosine, that of its direction. */
export class QuantizedQuery {
  /** Padded with zeros. */
  readonly codes: Int16Array;
  readonly scale: number;
  /** The length of what was quantized. */
  readonly norm: number;
  readonly #distance: Distance;

  constructor(distance: Distance, query: Float32Array) {
    this.#distance = distance;
    const inverseNorm = inverseNormAt(query, 0, query.length);
    const norm = inverseNorm === 0 ? 0 : 1 / inverseNorm;
    const factor = distance === 'cosine' ? inverseNorm : 1;
    this.norm = norm * factor;
    let most = 0;
    for (const value of query) most = Math.max(most, Math.abs(value));
    const step = most / queryCodeMax(query.length);
    this.scale = step * factor;
    this.codes = new Int16Array(paddedLength(query.length));
    // An array of whole numbers keeps what is no number as 0: a query of zeros.
    for (let at = 0; at < query.length; at += 1) {
      this.codes[at] = Math.round((query[at] as number) / step);
    }
  }

  /**
   * What the product of the quantized query and a row must at least be, its error added, for a row
   * whose exact score is `bound` or better, where a distance counts as its negative. For euclid,
   * half the row's squared length is taken from the product: |q - v|² ≤ d² if and only if
   * q·v - |v|²/2 ≥ (|q|² - d²)/2.
   */
  productBound(bound: number): number {
    if (this.#distance !== 'euclid') return bound;
    const square = this.norm ** 2;
    return (square - bound ** 2) / 2 - ROUNDING * (square + bound ** 2);
  }
}

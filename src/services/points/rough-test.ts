import type { Distance } from '../../types.js';
import { inverseNormAt } from './distance.js';
import { roughError } from './rough-scores.js';
import type { RoughMeasure } from './vector-memory.js';

/** Tells from rough scores which rows need not be scored exactly. */
export class RoughTest {
  readonly measure: RoughMeasure;
  readonly #distance: Distance;
  readonly #queryInverseNorm: number;
  readonly #relative: number;
  readonly #absolute: number;

  constructor(distance: Distance, query: Float32Array) {
    this.measure = distance === 'euclid' ? 'squares' : 'products';
    this.#distance = distance;
    this.#queryInverseNorm = inverseNormAt(query, 0, query.length);
    const { relative, absolute } = roughError(query.length);
    this.#relative = relative;
    this.#absolute = absolute;
  }

  /**
   * Puts those of `count` rows into `near` whose exact score may be `bound` or better, where better
   * is higher, a distance counting as its negative, and returns how many. `rows` are their numbers,
   * or that of the first when they follow each other; `inverseNorms` are those of the slab.
   */
  select(
    bound: number,
    rough: Float32Array,
    count: number,
    rows: Uint32Array | number,
    inverseNorms: readonly number[],
    near: Uint32Array,
  ): number {
    // In locals, and without a call, because this is done for every row there is.
    const queryInverseNorm = this.#queryInverseNorm;
    const relative = this.#relative;
    const absolute = this.#absolute;
    const isEuclid = this.#distance === 'euclid';
    const isCosine = this.#distance === 'cosine';
    let found = 0;
    for (let at = 0; at < count; at += 1) {
      const row = typeof rows === 'number' ? rows + at : (rows[at] as number);
      const score = rough[at] as number;
      let isFar: boolean;
      if (isEuclid) {
        isFar = score * (1 - relative) - absolute > bound * bound;
      } else {
        const scale = queryInverseNorm * (inverseNorms[row] as number);
        isFar = (score + absolute) * scale + relative < (isCosine ? bound : bound * scale);
      }
      // Numbers too large for single precision say nothing.
      if (isFar && Math.abs(score) !== Number.POSITIVE_INFINITY) continue;
      near[found] = row;
      found += 1;
    }
    return found;
  }
}

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
   * False when a row's exact score can't be `bound` or better, where better is higher, a distance
   * counting as its negative. `inverseNorm` is the row's.
   */
  mayReach(bound: number, rough: number, inverseNorm: number): boolean {
    // Numbers too large for single precision say nothing.
    if (!Number.isFinite(rough)) return true;
    return !(this.#most(rough, inverseNorm) < bound);
  }

  /** What the exact score is at most. */
  #most(rough: number, inverseNorm: number): number {
    switch (this.#distance) {
      case 'cosine': {
        const scale = this.#queryInverseNorm * inverseNorm;
        return (rough + this.#absolute) * scale + this.#relative;
      }
      case 'dot': {
        const sizes = 1 / (this.#queryInverseNorm * inverseNorm);
        return rough + this.#absolute + this.#relative * sizes;
      }
      case 'euclid': {
        const least = rough * (1 - this.#relative) - this.#absolute;
        return -Math.sqrt(Math.max(0, least));
      }
    }
  }
}

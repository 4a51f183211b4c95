import type { Distance } from '../../types.js';
import { higherIsBetter, type RowScore, rowScore } from './distance.js';
import type { RowFilter } from './row-filter.js';
import type { SettledSearch } from './search-options.js';
import type { Segment } from './segment.js';
import { TopK } from './top-k.js';
import type { Location } from './transaction.js';

/** The best of the rows that were considered. */
export class Ranking {
  readonly filter: RowFilter | undefined;
  readonly #scoreOf: RowScore;
  readonly #isNear: (score: number) => boolean;
  readonly #nearest: TopK<Location>;

  constructor(
    query: Float32Array,
    filter: RowFilter | undefined,
    { distance, limit, scoreThreshold }: SettledSearch,
  ) {
    this.filter = filter;
    this.#scoreOf = rowScore(distance, query);
    this.#isNear = thresholdTest(distance, scoreThreshold);
    this.#nearest = new TopK(limit, distance);
  }

  /** Takes a visible row if it is near enough and passes the filter. */
  consider(segment: Segment, row: number): void {
    const { slab } = segment;
    const score = this.#scoreOf(slab.chunkOf(row), slab.offsetOf(row), slab.inverseNorm(row));
    // The cheap tests come first: most rows are not near enough to be asked anything else.
    if (!this.#nearest.wants(score) || !this.#isNear(score)) return;
    if (this.filter !== undefined && !this.filter.passes(segment, row)) return;
    const id = segment.ids[row];
    if (id !== undefined) this.#nearest.offer(id, score, { segment, row });
  }

  sorted() {
    return this.#nearest.sorted();
  }
}

function thresholdTest(
  distance: Distance,
  threshold: number | undefined,
): (score: number) => boolean {
  if (threshold === undefined) return () => true;
  return higherIsBetter(distance) ? (score) => score >= threshold : (score) => score <= threshold;
}

import type { Distance } from '../../types.js';
import { higherIsBetter, type RowScore, rowScore } from './distance.js';
import { NearRows } from './near-rows.js';
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
  readonly #distance: Distance;
  readonly #query: Float32Array;
  readonly #limit: number;
  /** Made when many rows are considered at once, which a vector index saves. */
  #nearRows: NearRows | undefined;
  /** As `TopK.bound`, of the threshold. */
  readonly #threshold: number;

  constructor(
    query: Float32Array,
    filter: RowFilter | undefined,
    { distance, limit, scoreThreshold }: SettledSearch,
  ) {
    this.filter = filter;
    this.#scoreOf = rowScore(distance, query);
    this.#isNear = thresholdTest(distance, scoreThreshold);
    this.#nearest = new TopK(limit, distance);
    this.#distance = distance;
    this.#query = query;
    this.#limit = limit;
    const sign = higherIsBetter(distance) ? 1 : -1;
    this.#threshold =
      scoreThreshold === undefined ? Number.NEGATIVE_INFINITY : sign * scoreThreshold;
  }

  /**
   * What a row must at least score to be taken, where a better score is a higher one: for `euclid`
   * that is the distance's negative. -Infinity as long as any would do.
   */
  get bound(): number {
    return Math.max(this.#nearest.bound, this.#threshold);
  }

  /**
   * Takes those of `count` rows that are visible to `version` and near enough, and pass the filter.
   * Many at once are much quicker than one by one. `rows` lists them, ascending, no more than a
   * chunk of the slab has, or is the first of rows that follow each other in one chunk.
   */
  considerRows(segment: Segment, rows: Uint32Array | number, count: number, version: number): void {
    this.#nearRows ??= new NearRows(this.#distance, this.#query);
    const { slab } = segment;
    const isOpen = this.#nearest.bound === Number.NEGATIVE_INFINITY;
    // What the likeliest score tells which of the others need not be scored.
    const first = isOpen ? this.#nearRows.likeliest(slab, rows, count, this.#limit) : undefined;
    if (first !== undefined) this.#considerVisible(segment, first, version);
    const near = this.#nearRows.among(slab, rows, count, this.bound);
    const others = first === undefined ? near : near.filter((row) => !first.includes(row));
    this.#considerVisible(segment, others, version);
  }

  #considerVisible(segment: Segment, rows: Uint32Array, version: number): void {
    for (const row of rows) if (segment.isVisible(row, version)) this.consider(segment, row);
  }

  /** As `consider`, of rows that lie anywhere. */
  considerEach(segment: Segment, rows: Uint32Array): void {
    segment.slab.fetch(rows);
    for (const row of rows) this.consider(segment, row);
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

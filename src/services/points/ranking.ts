import type { Distance } from '../../types.js';
import { higherIsBetter, type RowScore, rowScore } from './distance.js';
import { RoughTest } from './rough-test.js';
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
  readonly #query: Float32Array;
  readonly #roughTest: RoughTest;
  /** Room for rows that may be near enough. */
  #near = new Uint32Array(0);
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
    this.#query = query;
    this.#roughTest = new RoughTest(distance, query);
    const sign = higherIsBetter(distance) ? 1 : -1;
    this.#threshold =
      scoreThreshold === undefined ? Number.NEGATIVE_INFINITY : sign * scoreThreshold;
  }

  /**
   * Takes those of `count` rows, which lie in one chunk of the slab, that are visible to `version`
   * and near enough, and pass the filter. Many at once are much quicker than one by one.
   */
  considerRows(segment: Segment, from: number, count: number, version: number): void {
    const { measure } = this.#roughTest;
    const rough = segment.slab.roughScores(measure, this.#query, from, count);
    this.#considerRough(segment, rough, count, from, version);
  }

  /** As `considerRows`, of rows anywhere, ascending and no more than a chunk has. */
  considerList(segment: Segment, rows: Uint32Array, version: number): void {
    const rough = segment.slab.roughScoresOf(this.#roughTest.measure, this.#query, rows);
    this.#considerRough(segment, rough, rows.length, rows, version);
  }

  #considerRough(
    segment: Segment,
    rough: Float32Array | undefined,
    count: number,
    rows: Uint32Array | number,
    version: number,
  ): void {
    const { inverseNorms } = segment.slab;
    if (this.#near.length < count) this.#near = new Uint32Array(count);
    const near = this.#near;
    const bound = Math.max(this.#nearest.bound, this.#threshold);
    const found =
      rough === undefined
        ? allOf(rows, count, near)
        : this.#roughTest.select(bound, rough, count, rows, inverseNorms, near);
    for (let at = 0; at < found; at += 1) {
      const row = near[at] as number;
      if (segment.isVisible(row, version)) this.consider(segment, row);
    }
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

/** Puts all rows into `near`: where there are no rough scores. */
function allOf(rows: Uint32Array | number, count: number, near: Uint32Array): number {
  for (let at = 0; at < count; at += 1)
    near[at] = typeof rows === 'number' ? rows + at : (rows[at] as number);
  return count;
}

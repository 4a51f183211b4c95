import type { Distance, Filter, HnswOptions, ScoredPoint } from '../../types.js';
import { higherIsBetter, type RowScore, rowScore } from './distance.js';
import { searchIndex } from './index-search.js';
import { cloneJson } from './json.js';
import type { Pace } from './pace.js';
import { RowFilter } from './row-filter.js';
import type { Segment } from './segment.js';
import { TopK } from './top-k.js';
import type { Location } from './transaction.js';
import type { View } from './view.js';

/** What a search gives, and of which points. */
export interface SearchOptions {
  limit: number;
  filter?: Filter | undefined;
  /** Looks at every point, also where there is an index. @default false */
  exact?: boolean | undefined;
  /** Candidates that are looked at in each index. @default the collection's */
  ef?: number | undefined;
  /** @default true */
  withPayload?: boolean | undefined;
  /** @default false */
  withVector?: boolean | undefined;
  /** Hits must score at least this; for `euclid`, at most. */
  scoreThreshold?: number | undefined;
}

/** A search with all that the collection decides. */
export type SettledSearch = SearchOptions &
  Pick<HnswOptions, 'ef' | 'fullScanThresholdKb'> & { distance: Distance };

/**
 * The nearest points of a view, the nearest first, equal scores by id. Segments with a vector index
 * give their nearest candidates, of the others every point is looked at, in slices; all are compared
 * by exact score. The result shares no memory with the store.
 */
export async function search(
  view: View,
  query: Float32Array,
  options: SettledSearch,
  pace: Pace,
): Promise<ScoredPoint[]> {
  const { withPayload = true, withVector = false } = options;
  const ranking = new Ranking(query, RowFilter.of(options.filter, view.schema), options);
  for (const part of view.segments) {
    // Its payload indexes tell how many rows may pass.
    await ranking.filter?.prepare(part.segment, part.rows, pace);
    if (!options.exact && (await searchIndex(part, view, query, options, ranking, pace))) continue;
    const visit = (segment: Segment, row: number) => ranking.consider(segment, row);
    await view.scanSegment(part, pace, visit, ranking.filter);
  }
  const points: ScoredPoint[] = [];
  for (const { id, score, item } of ranking.sorted()) {
    const { segment, row } = item;
    const point: ScoredPoint = { id, score };
    if (withPayload) point.payload = cloneJson(segment.payloads[row] ?? {});
    if (withVector) point.vector = segment.slab.at(row).slice();
    points.push(point);
    if (pace.isDue()) await pace.rest();
  }
  return points;
}

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

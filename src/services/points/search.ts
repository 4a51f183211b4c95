import type { Distance, Filter, PointId, ScoredPoint } from '../../types.js';
import { higherIsBetter, rowScore } from './distance.js';
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
  /** @default true */
  withPayload?: boolean | undefined;
  /** @default false */
  withVector?: boolean | undefined;
  /** Hits must score at least this; for `euclid`, at most. */
  scoreThreshold?: number | undefined;
}

/**
 * The nearest points of a view, the nearest first, equal scores by id. Exact: it looks at every
 * point that may pass the filter, in slices. The result shares no memory with the store.
 */
export async function search(
  view: View,
  distance: Distance,
  query: Float32Array,
  options: SearchOptions,
  pace: Pace,
): Promise<ScoredPoint[]> {
  const { limit, filter, scoreThreshold, withPayload = true, withVector = false } = options;
  const rowFilter = RowFilter.of(filter, view.schema);
  const isNear = thresholdTest(distance, scoreThreshold);
  const scoreOf = rowScore(distance, query);
  const nearest = new TopK<Location>(limit, distance);
  const visit = (segment: Segment, row: number, id: PointId) => {
    const { slab } = segment;
    const score = scoreOf(slab.chunkOf(row), slab.offsetOf(row), slab.inverseNorm(row));
    // The cheap tests come first: most rows are not near enough to be asked anything else.
    if (!nearest.wants(score) || !isNear(score)) return;
    if (rowFilter !== undefined && !rowFilter.passes(segment, row)) return;
    nearest.offer(id, score, { segment, row });
  };
  await view.scan(pace, visit, rowFilter);
  return nearest.sorted().map(({ id, score, item: { segment, row } }) => {
    const point: ScoredPoint = { id, score };
    if (withPayload) point.payload = cloneJson(segment.payloads[row] ?? {});
    if (withVector) point.vector = segment.slab.at(row).slice();
    return point;
  });
}

function thresholdTest(
  distance: Distance,
  threshold: number | undefined,
): (score: number) => boolean {
  if (threshold === undefined) return () => true;
  return higherIsBetter(distance) ? (score) => score >= threshold : (score) => score <= threshold;
}

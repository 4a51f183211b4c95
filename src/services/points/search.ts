import type { ScoredPoint } from '../../types.js';
import { searchIndex } from './index-search.js';
import { cloneJson } from './json.js';
import type { Pace } from './pace.js';
import { Ranking } from './ranking.js';
import { RowFilter } from './row-filter.js';
import type { SettledSearch } from './search-options.js';
import type { Segment } from './segment.js';
import type { View } from './view.js';

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

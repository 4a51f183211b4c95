import type { ScoredPoint } from '../../types.js';
import { searchIndex } from './index-search.js';
import { type Pace, ROWS_PER_LOOK } from './pace.js';
import { Ranking } from './ranking.js';
import { RowFilter } from './row-filter.js';
import type { SettledSearch } from './search-options.js';
import type { View, ViewSegment } from './view.js';

/** Rows scored between two looks at the clock where a filter, which may be slow, is asked of few. */
const ROWS_AT_ONCE = 512;

/** Rows scored at once while nothing tells which can be passed over; a power of two. */
const FEW_ROWS = 32;

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
    await scanSegment(part, view, ranking, pace);
  }
  const points: ScoredPoint[] = [];
  for (const { id, score, item } of ranking.sorted()) {
    const { segment, row } = item;
    const point: ScoredPoint = { id, score };
    if (withPayload) point.payload = segment.payloads.read(row);
    if (withVector) point.vector = segment.slab.at(row).slice();
    points.push(point);
    if (pace.isDue()) await pace.rest();
  }
  return points;
}

/** Looks at every row that may pass the filter, in slices. */
async function scanSegment(
  part: ViewSegment,
  view: View,
  ranking: Ranking,
  pace: Pace,
): Promise<void> {
  const { segment, rows, stamps } = part;
  const { filter } = ranking;
  const candidates = filter?.candidates(segment, rows, stamps);
  const isAsked = filter !== undefined && candidates === undefined;
  // Powers of two, as the rows of a chunk, so that none is cut by the end of a chunk.
  const most = Math.min(isAsked ? ROWS_PER_LOOK : ROWS_AT_ONCE, segment.slab.rowsPerChunk);
  const total = candidates?.length ?? rows;
  const { quantized } = segment.slab;
  const edge = candidates ? countBelow(candidates, quantized.rows) : quantized.rows;
  for (let from = 0, count = 0; from < total; from += count) {
    const isQuantized = from < edge;
    count = Math.min(most - (from % most), (isQuantized ? edge : total) - from, total - from);
    // A few rows first: what they score tells which of the others need not be scored exactly.
    const isFirst = ranking.bound === Number.NEGATIVE_INFINITY && !isQuantized;
    if (isFirst) count = Math.min(count, FEW_ROWS);
    const some = candidates?.subarray(from, from + count) ?? from;
    ranking.considerRows(segment, some, count, view.version);
    pace.count(count);
    if (pace.isOver()) await pace.rest();
  }
}

/** How many of ascending rows are less than `end`. */
function countBelow(rows: Uint32Array, end: number): number {
  return rows.findLastIndex((row) => row < end) + 1;
}

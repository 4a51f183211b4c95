import { EF_MAX } from '../hnsw-options.js';
import type { Pace } from './pace.js';
import type { Ranking } from './ranking.js';
import type { RowFilter } from './row-filter.js';
import type { SettledSearch } from './search-options.js';
import type { Segment } from './segment.js';
import type { View, ViewSegment } from './view.js';

/** Rows that are asked whether they pass a filter, to know about how many do. */
const SAMPLE_ROWS = 512;

// Measured on 128 dimensions: a candidate of an index costs about as much as scoring 32 rows.
const ROWS_PER_CANDIDATE = 32;

/** The library finds so many in one go, some ms, however few rows there are. */
const CANDIDATES_ALWAYS = 1024;

/** Hits that must be found among the candidates, so that the last of them are near as well. */
const HITS_MARGIN = 1.5;

/** Where not every row counts, so many times more hits at most than must be found are expected. */
const SHARE_MARGIN = 1.3;

/**
 * Offers the nearest rows that an index finds to a ranking. The library knows no filter and no
 * deleted rows: the more of them, the more candidates it is asked for, until enough of them count.
 * False when looking at every row is better: there is no index, or few rows match, or so many
 * candidates would be needed that it is cheaper.
 */
export async function searchIndex(
  part: ViewSegment,
  view: View,
  query: Float32Array,
  options: SettledSearch,
  ranking: Ranking,
  pace: Pace,
): Promise<boolean> {
  const { segment } = part;
  const { index, rows } = segment;
  if (index === undefined) return false;
  const { filter } = ranking;
  // What an exact search would look at.
  const candidatesMax = filter?.estimate(segment, part.rows, part.stamps) ?? rows;
  if (filter !== undefined && isFew(segment, candidatesMax, options)) return false;
  const matching = Math.min(candidatesMax, matchingRows(segment, filter));
  if (filter !== undefined && isFew(segment, matching, options)) return false;
  const hitsWanted = Math.min(matching, options.limit * HITS_MARGIN);
  const share = Math.max(matching, 1) / rows;
  const hitsExpected = hitsWanted * Math.min(SHARE_MARGIN, 1 / share);
  let candidatesWanted = Math.max(options.ef, hitsExpected) / share;
  for (;;) {
    const wanted = Math.ceil(candidatesWanted);
    // However few rows there are, an index that was built is used when nothing is in its way.
    const isPlain = wanted <= Math.min(CANDIDATES_ALWAYS, 2 * options.ef);
    if (!isPlain && (wanted > EF_MAX || wanted * ROWS_PER_CANDIDATE > candidatesMax)) return false;
    const candidates = index.search(query, Math.min(wanted, rows));
    if (candidates === undefined) return false;
    if (pace.isOver()) await pace.rest();
    const hits = candidates.filter(
      (row) =>
        segment.isVisible(row, view.version) &&
        (filter === undefined || filter.passes(segment, row)),
    );
    if (hits.length >= hitsWanted || candidates.length === rows) {
      ranking.considerEach(segment, hits);
      return true;
    }
    candidatesWanted *= 2;
  }
}

/** About how many rows count: those that are not deleted and pass the filter. */
function matchingRows(segment: Segment, filter: RowFilter | undefined): number {
  const { live, rows } = segment;
  if (filter === undefined) return live;
  const step = Math.max(1, Math.floor(rows / SAMPLE_ROWS));
  let asked = 0;
  let passed = 0;
  for (let row = 0; row < rows; row += step) {
    asked += 1;
    if (filter.passes(segment, row)) passed += 1;
  }
  return (live * passed) / Math.max(1, asked);
}

function isFew(segment: Segment, matching: number, options: SettledSearch): boolean {
  const bytes = matching * segment.slab.dimensions * Float32Array.BYTES_PER_ELEMENT;
  return bytes < options.fullScanThresholdKb * 1024;
}

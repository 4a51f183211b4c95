import { type GraphSpace, numbersOf, placeRow, placesFor } from './graph-space.js';
import type { Graph } from './usearch-index.js';

/** A graph of fewer rows says little about those to come. */
export const CROWD_ROWS_MIN = 1024;

/** Rows that are looked at, spread over all. */
const SAMPLE_ROWS = 128;
/** So many of them may lie in crowds. */
const CROWDED_MAX = 2;

/** Which neighbour of a row must not be too near, and among how many candidates it is looked for. */
const NEIGHBOUR = 10;
const CANDIDATES = 32;

/**
 * Rounding two rows to bytes adds a sixth of a unit for each number to their squared distance, on
 * average. A search among rows that are hardly farther apart finds neighbours by chance; from about
 * twenty times that on it finds as many as with exact rows.
 */
const DISTANCE_MIN_PER_NUMBER = 4;

/** Whether rows of an int8 graph are too near each other for it to tell them apart. */
export function isCrowded(
  graph: Graph,
  rows: number,
  { rowAt, space }: { rowAt: (row: number) => Float32Array; space: GraphSpace },
): boolean {
  if (numbersOf(space) !== 'int8') return false;
  const query = placesFor(space, 1);
  const step = Math.max(1, Math.floor(rows / SAMPLE_ROWS));
  let crowded = 0;
  for (let row = 0; row < rows; row += step) {
    placeRow(rowAt(row), space, row, query, 0);
    // The row itself comes first.
    const { distances } = graph.search(query, CANDIDATES, 1);
    const distance = distances[Math.min(NEIGHBOUR, distances.length - 1)] as number;
    if (distance < DISTANCE_MIN_PER_NUMBER * space.width) crowded += 1;
  }
  return crowded > CROWDED_MAX;
}

import { type GraphSpace, placeRow } from './graph-space.js';
import type { Graph } from './usearch-index.js';

/** A graph of fewer rows says little about those to come. */
export const CROWD_ROWS_MIN = 1024;

/** Rows that are looked at: a crowd of half a percent is missed once in 170 times. */
const SAMPLE_ROWS = 1024;

/** Steps of this share of the rows never fall into step with what is repeated in them. */
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2;

/** Which neighbour of a row must not be too near, and among how many candidates it is looked for. */
const NEIGHBOUR = 10;
const CANDIDATES = 24;

/**
 * Bytes make the squared distance of two rows uncertain by about a sixth for each number. A search
 * among rows that are hardly farther apart finds neighbours by chance; from about twenty times that
 * on it finds as many as with exact rows.
 */
const DISTANCE_MIN_PER_NUMBER = 4;

/** Whether some rows of an int8 graph are too near each other for it to tell them apart. */
export function hasCrowd(
  graph: Graph,
  rows: number,
  tools: {
    rowAt: (row: number) => Float32Array;
    space: GraphSpace;
    onStep: (count: number) => void;
  },
): boolean {
  const { rowAt, space, onStep } = tools;
  if (space.numbers !== 'int8') return false;
  const query = new Float32Array(space.width);
  const samples = Math.min(rows, SAMPLE_ROWS);
  for (let sample = 0; sample < samples; sample += 1) {
    const row = samples === rows ? sample : Math.floor(((sample * GOLDEN_RATIO) % 1) * rows);
    placeRow(rowAt(row), space, row, query, 0);
    // The row itself comes first.
    const { distances } = graph.search(query, CANDIDATES, 1);
    const distance = distances[Math.min(NEIGHBOUR, distances.length - 1)] as number;
    if (distance < DISTANCE_MIN_PER_NUMBER * space.width) return true;
    onStep(0);
  }
  return false;
}

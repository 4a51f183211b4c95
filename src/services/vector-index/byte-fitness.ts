import {
  GOLDEN_RATIO,
  type GraphSpace,
  INT8_LENGTH,
  isLeftInBytes,
  placeRow,
} from './graph-space.js';
import type { Graph } from './usearch-index.js';

/** A graph of fewer rows says little about those to come. */
export const FITNESS_ROWS_MIN = 1024;

/** Rows that are looked at: a crowd of half a percent is missed once in 170 times. */
const SAMPLE_ROWS = 1024;

/** Which neighbour of a row must not be too near, and among how many candidates it is looked for. */
const NEIGHBOUR = 10;
const CANDIDATES = 24;

/**
 * Bytes make the squared distance of near rows uncertain by about a sixth for each number. A search
 * among rows that are hardly farther apart finds neighbours by chance; from about twenty times that
 * on it finds nearly as many as with exact rows.
 */
const DISTANCE_MIN_PER_NUMBER = 4;

/** Dropping what follows the point makes rows shorter: how much their squares may differ by that. */
const SHORTENING_MAX = 0.06 * INT8_LENGTH ** 2;

/** What a graph is judged by. */
interface Tools {
  rowAt: (row: number) => Float32Array;
  space: GraphSpace;
  /** May throw to stop. */
  onStep: (count: number) => void;
}

/**
 * Whether an int8 graph tells its rows apart: bytes keep much of each of them, and about as much of
 * each, because the shorter ones would come first; and they aren't too near each other.
 */
export function fitsBytes(graph: Graph, rows: number, { rowAt, space, onStep }: Tools): boolean {
  const direction = new Float32Array(space.width);
  const samples = Math.min(rows, SAMPLE_ROWS);
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (let sample = 0; sample < samples; sample += 1) {
    const row = samples === rows ? sample : Math.floor(((sample * GOLDEN_RATIO) % 1) * rows);
    placeRow(rowAt(row), space, row, direction, 0);
    const square = squareInBytes(direction);
    least = Math.min(least, square);
    most = Math.max(most, square);
    if (!isLeftInBytes(direction) || most - least > SHORTENING_MAX) return false;
    if (isInCrowd(graph, direction, rowAt(row), rowAt)) return false;
    onStep(0);
  }
  return true;
}

/** Whether a row is too near to its neighbours, but for those that equal it: no graph tells these apart. */
function isInCrowd(
  graph: Graph,
  direction: Float32Array,
  vector: Float32Array,
  rowAt: (row: number) => Float32Array,
): boolean {
  const distanceMin = DISTANCE_MIN_PER_NUMBER * direction.length;
  const { keys, distances } = graph.search(direction, CANDIDATES, 1);
  // The row itself comes first.
  if (!((distances[NEIGHBOUR] ?? distanceMin) < distanceMin)) return false;
  const others = distances.filter((_, at) => {
    const other = rowAt(Number(keys[at]));
    return other.some((value, index) => value !== vector[index]);
  });
  return (others[NEIGHBOUR - 1] ?? distanceMin) < distanceMin;
}

/** The squared length of what the library keeps of a direction. */
function squareInBytes(direction: Float32Array): number {
  let square = 0;
  for (let at = 0; at < direction.length; at += 1) {
    square += Math.trunc((direction[at] as number) * INT8_LENGTH) ** 2;
  }
  return square;
}

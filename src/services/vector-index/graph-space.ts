import type { Distance } from '../../types.js';
import { inverseNormAt } from '../points/distance.js';

/** What the vectors of an index have in common. */
export interface IndexShape {
  dimensions: number;
  distance: Distance;
}

// A graph compares by numbers of few bits, and a search scores its candidates by doubles. So vectors
// are put into a graph in such a way that its numbers keep what tells near rows apart.

/** The largest number of a scaled vector is below 2 to this power: squares and their sums fit. */
const SCALED_BITS = 40;

/** Queries so many bits longer than every row are as far from one row as from another, nearly. */
const FAR_BITS = 8;

/** So far along their own axis zero vectors lie apart: many equal ones would be a trap for searches. */
const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2;

/** What the numbers of a graph's rows are kept as. */
export type GraphNumbers = 'int8' | 'half' | 'single';

/** The largest number of an int8 row, whatever its sign. */
const INT8_MAX = 127;

/** How the vectors of one graph are put into it. */
export interface GraphSpace extends IndexShape {
  /** Numbers that a row has in the graph. */
  width: number;
  /** What the numbers of the rows are multiplied with; for `cosine` those of their directions. */
  scale: number;
}

/** A row or a query as a graph takes it. */
export type PlacedVector = Float32Array | Int8Array;

/**
 * What a graph keeps: half precision is twice as fast as single and enough for directions, bytes
 * are faster still and enough where directions are not too near each other; other numbers have no
 * bounds. Directions that aren't scaled are in half precision.
 */
export function numbersOf({
  distance,
  scale,
}: Pick<GraphSpace, 'distance' | 'scale'>): GraphNumbers {
  if (distance !== 'cosine') return 'single';
  return scale === 1 ? 'half' : 'int8';
}

/** Room for vectors of a graph, laid end to end. */
export function placesFor(space: GraphSpace, count: number): PlacedVector {
  const length = count * space.width;
  return numbersOf(space) === 'int8' ? new Int8Array(length) : new Float32Array(length);
}

/** What directions are multiplied with, of which no number is larger than `largest`, to be rounded to bytes. */
export function int8ScaleFor(largest: number): number {
  return INT8_MAX / largest;
}

/**
 * Numbers that a row has in a graph. With zero vectors cosine has one more than the vector: an axis
 * for them. There they are as far from any vector as one at a right angle to it, which has the same
 * score, or farther. Without any it is left out: an odd number more takes a seventh longer.
 */
export function graphWidth({ dimensions, distance }: IndexShape, hasZeros: boolean): number {
  return distance === 'cosine' && hasZeros ? dimensions + 1 : dimensions;
}

/** The power of two that rows whose numbers are at most `largest` are multiplied with. */
export function scaleFor(largest: number): number {
  return largest === 0 ? 1 : 2 ** (SCALED_BITS - 1 - Math.floor(Math.log2(largest)));
}

/** The largest number of a vector, whatever its sign. */
export function largestOf(vector: Float32Array): number {
  let largest = 0;
  for (let at = 0; at < vector.length; at++) {
    const value = Math.abs(vector[at] as number);
    if (value > largest) largest = value;
  }
  return largest;
}

/**
 * Writes a row as the graph wants it to `target[offset]`…. For `cosine` its direction: the squared
 * distance of directions grows as the cosine falls, and unlike one minus their product it tells
 * directions apart that are nearly the same. For the others the row, scaled.
 */
export function placeRow(
  vector: Float32Array,
  { distance, width, scale }: GraphSpace,
  row: number,
  target: PlacedVector,
  offset: number,
): void {
  const { length } = vector;
  const factor = distance === 'cosine' ? inverseNormAt(vector, 0, length) * scale : scale;
  if (target instanceof Int8Array) {
    for (let at = 0; at < length; at++) {
      target[offset + at] = Math.round((vector[at] as number) * factor);
    }
    return;
  }
  for (let at = 0; at < length; at++) target[offset + at] = (vector[at] as number) * factor;
  if (width > length) target[offset + length] = factor === 0 ? 1 + ((row * GOLDEN_RATIO) % 1) : 0;
}

/**
 * As `placeRow`, for a query. False when the graph can't tell which rows are near: the query is too
 * far from all of them.
 */
export function placeQuery(query: Float32Array, space: GraphSpace, target: PlacedVector): boolean {
  const { distance, scale } = space;
  const largest = largestOf(query);
  // Whatever a query is multiplied with, its dot products keep their order; and among rows of one
  // length its distances.
  const factor = distance === 'dot' ? scaleFor(largest) : fitting(query, space, largest);
  placeRow(query, { ...space, scale: factor }, 0, target, 0);
  return distance !== 'euclid' || largest * scale <= 2 ** (SCALED_BITS + FAR_BITS);
}

/** The scale of the rows, or less if numbers of the query would be too large for bytes. */
function fitting(query: Float32Array, space: GraphSpace, largest: number): number {
  if (numbersOf(space) !== 'int8') return space.scale;
  return Math.min(space.scale, int8ScaleFor(largest * inverseNormAt(query, 0, query.length)));
}

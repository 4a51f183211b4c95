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

/**
 * Steps of this size never fall into step with anything. So far along their own axis zero vectors
 * lie apart: many equal ones would be a trap for searches.
 */
export const GOLDEN_RATIO = (Math.sqrt(5) - 1) / 2;

/**
 * What the numbers of a graph's rows are kept as. `int8`: the library makes each direction as long as
 * 127 and drops what follows the point, of queries, too.
 */
type GraphNumbers = 'int8' | 'half' | 'single';

/** The length of a direction in bytes. */
export const INT8_LENGTH = 127;

/** What the graph of an index that was built keeps. */
export function numbersOf(
  { distance }: Pick<IndexShape, 'distance'>,
  { int8 = false }: { int8?: boolean },
): GraphNumbers {
  if (distance !== 'cosine') return 'single';
  return int8 ? 'int8' : 'half';
}

/** How the vectors of one graph are put into it. */
export interface GraphSpace extends IndexShape {
  numbers: GraphNumbers;
  /** Numbers that a row has in the graph. */
  width: number;
  /** What the numbers of the rows are multiplied with; `cosine` takes directions instead. */
  scale: number;
}

/**
 * Numbers that a row has in a graph. With zero vectors cosine has one more than the vector: an axis
 * for them. There they are as far from any vector as one at a right angle to it, which has the same
 * score, or farther. Without any it is left out: an odd number more takes a seventh longer.
 */
export function graphWidth({ dimensions, distance }: IndexShape, hasZeros: boolean): number {
  return distance === 'cosine' && hasZeros ? dimensions + 1 : dimensions;
}

/** True when all numbers of a vector are 0. */
export function isZero(vector: Float32Array): boolean {
  return vector.every((value) => value === 0);
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
  target: Float32Array,
  offset: number,
): void {
  const { length } = vector;
  const factor = distance === 'cosine' ? inverseNormAt(vector, 0, length) : scale;
  for (let at = 0; at < length; at++) target[offset + at] = (vector[at] as number) * factor;
  if (width > length) target[offset + length] = factor === 0 ? 1 + ((row * GOLDEN_RATIO) % 1) : 0;
}

/**
 * As `placeRow`, for a query. False when the graph can't tell which rows are near: the query is too
 * far from all of them, or few of its numbers are left in bytes.
 */
export function placeQuery(query: Float32Array, space: GraphSpace, target: Float32Array): boolean {
  const { distance, scale } = space;
  const largest = distance === 'cosine' ? 0 : largestOf(query);
  // Whatever a query is multiplied with, its dot products keep their order.
  const factor = distance === 'dot' ? scaleFor(largest) : scale;
  placeRow(query, { ...space, scale: factor }, 0, target, 0);
  if (space.numbers === 'int8') return isLeftInBytes(target);
  return distance !== 'euclid' || largest * scale <= 2 ** (SCALED_BITS + FAR_BITS);
}

/** Whether at least half of the numbers of a direction that aren't 0 aren't 0 in bytes either. */
export function isLeftInBytes(direction: Float32Array): boolean {
  let some = 0;
  let left = 0;
  for (let at = 0; at < direction.length; at += 1) {
    const size = Math.abs(direction[at] as number);
    if (size > 0) some += 1;
    if (size * INT8_LENGTH >= 1) left += 1;
  }
  return 2 * left >= some;
}

import { type RoughMeasure, VectorMemory } from './vector-memory.js';

/** For vectors that lie elsewhere: they are copied here first. For one number of dimensions. */
let scratch: { memory: VectorMemory; room: Float32Array; dimensions: number } | undefined;

/**
 * As `VectorMemory.rough`, of vectors anywhere; undefined where there is no WebAssembly. Twice the
 * time of vectors in a memory of their own.
 */
export function roughScoresOf(
  measure: RoughMeasure,
  query: Float32Array,
  vectors: Float32Array,
  count: number,
): Float32Array | undefined {
  const dimensions = query.length;
  const length = count * dimensions;
  if (scratch?.dimensions !== dimensions || scratch.room.length < length) {
    const memory = VectorMemory.create(dimensions, count);
    const room = memory?.add(count);
    if (memory === undefined || room === undefined) return undefined;
    scratch = { memory, room, dimensions };
  }
  scratch.room.set(vectors.subarray(0, length));
  return scratch.memory.rough(measure, query, scratch.room, count);
}

/** Half a unit in the last place of a float32 number of size 1, twice: with room to spare. */
const STEP = 2 ** -23;
/** The smallest float32 number above 0: what a product loses when it is too small for one. */
const SMALLEST = 2 ** -149;

/**
 * How far the rough sum of `dimensions` terms may be from the exact one: `relative` of the sum of
 * the terms' sizes, and `absolute` besides, as terms may be too small for a float32. Sums that are
 * no finite numbers say nothing. (The usual bound for recursive summation, doubled: N. J. Higham,
 * Accuracy and Stability of Numerical Algorithms, 2nd ed., section 4.2.)
 */
export function roughError(dimensions: number): { relative: number; absolute: number } {
  const terms = dimensions + 8;
  return { relative: terms * STEP, absolute: terms * SMALLEST * 2 };
}

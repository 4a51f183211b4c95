import { SluiceError } from '../../errors.js';
import { shown } from '../option-checks.js';

/**
 * Checks a vector and writes it into the slab at `offset`: a Float32Array or an array of numbers,
 * `dimensions` of them, each finite, also as a float32.
 * Throws `SLUICE_BAD_VECTOR`, with `place` in the message.
 */
export function writeVector(
  vector: unknown,
  dimensions: number,
  slab: Float32Array,
  offset: number,
  place: string,
): void {
  if (!Array.isArray(vector) && !isFloat32Array(vector)) {
    throw bad(place, `expected a Float32Array or an array of numbers, not ${shown(vector)}`);
  }
  if (vector.length !== dimensions) {
    throw bad(
      place,
      `it has ${vector.length} numbers, the collection has ${dimensions} dimensions`,
    );
  }
  if (isFloat32Array(vector)) slab.set(vector, offset);
  else writeNumbers(vector, slab, offset, place);
  // The slab is looked at, not the input: a double can be too large for it.
  if (areFinite(slab, offset, dimensions)) return;
  for (let i = 0; i < dimensions; i++) {
    if (Number.isFinite(slab[offset + i])) continue;
    const why = Number.isFinite(vector[i]) ? 'too large for a float32' : 'not finite';
    throw bad(place, `[${i}] is ${vector[i]}, which is ${why}`);
  }
}

/** In one sum instead of a test of each: a finite number times zero is zero, any other is NaN. */
function areFinite(slab: Float32Array, offset: number, count: number): boolean {
  let sum = 0;
  for (let i = offset; i < offset + count; i++) sum += (slab[i] ?? 0) * 0;
  return sum === 0;
}

function writeNumbers(
  vector: readonly unknown[],
  slab: Float32Array,
  offset: number,
  place: string,
): void {
  for (let i = 0; i < vector.length; i++) {
    const value = vector[i];
    if (typeof value !== 'number') throw bad(place, `[${i}] is ${shown(value)}, not a number`);
    slab[offset + i] = value;
  }
}

/** A checked copy of one vector, for a query. Throws `SLUICE_BAD_VECTOR`. */
export function checkVector(vector: unknown, dimensions: number, place = 'vector'): Float32Array {
  const copy = new Float32Array(dimensions);
  writeVector(vector, dimensions, copy, 0, place);
  return copy;
}

/** Also by its tag: an array of another realm (a test runner's, a frame's) is no instance. */
function isFloat32Array(value: unknown): value is Float32Array {
  if (value instanceof Float32Array) return true;
  return ArrayBuffer.isView(value) && Reflect.get(value, Symbol.toStringTag) === 'Float32Array';
}

function bad(place: string, problem: string): SluiceError {
  return new SluiceError('SLUICE_BAD_VECTOR', `${place}: ${problem}`);
}

import { errorText } from '../errors.js';
import { shown } from '../services/option-checks.js';
import { buildUpsert } from '../services/points/validate.js';
import type { PointInput } from '../types.js';
import { badLine, type Line } from './json-lines.js';

/** What a line holds, not yet known to be a point. */
export interface ParsedLine {
  line: number;
  value: unknown;
}

/** A point and the line it came from. */
export interface NumberedPoint {
  line: number;
  point: PointInput;
}

/** Parses a line's JSON. Errors: `SLUICE_BAD_LINE`. */
export function parseLine({ number, text }: Line): ParsedLine {
  try {
    return { line: number, value: JSON.parse(text) };
  } catch (error) {
    throw badLine(number, `it is not JSON: ${errorText(error)}`);
  }
}

/** The length of a line's vector, from which the dimensions of a new collection are taken. */
export function dimensionsOf({ line, value }: ParsedLine): number {
  assertObject(line, value);
  const vector = 'vector' in value ? value.vector : undefined;
  if (vector === undefined) throw badLine(line, 'it has no vector');
  if (!Array.isArray(vector)) {
    throw badLine(line, `its vector must be an array of numbers, not ${shown(vector)}`);
  }
  if (vector.length === 0) throw badLine(line, 'its vector is empty');
  return vector.length;
}

/**
 * The point of a line, checked as the collection will check it: it would refuse the whole batch,
 * and name no line. Errors: `SLUICE_BAD_LINE`.
 */
export function checkPoint({ line, value }: ParsedLine, dimensions: number): NumberedPoint {
  assertObject(line, value);
  try {
    buildUpsert([value], dimensions);
  } catch (error) {
    throw badLine(line, errorText(error).replace(/^point 0:? /, ''));
  }
  return { line, point: value as PointInput };
}

function assertObject(line: number, value: unknown): asserts value is object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return;
  throw badLine(line, `it must be an object with id and vector, not ${shown(value)}`);
}

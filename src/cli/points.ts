import { errorText } from '../errors.js';
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
  const vector =
    typeof value === 'object' && value !== null && 'vector' in value ? value.vector : undefined;
  if (Array.isArray(vector) && vector.length > 0) return vector.length;
  throw badLine(line, 'it has no vector');
}

/**
 * The point of a line, checked as the collection will check it: it would refuse the whole batch,
 * and name no line. Errors: `SLUICE_BAD_LINE`.
 */
export function checkPoint({ line, value }: ParsedLine, dimensions: number): NumberedPoint {
  try {
    buildUpsert([value], dimensions);
  } catch (error) {
    throw badLine(line, errorText(error).replace(/^point 0:? /, ''));
  }
  return { line, point: value as PointInput };
}

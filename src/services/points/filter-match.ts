import type { JsonValue, Match, Range } from '../../types.js';

/** A test of one value of a payload. */
export type ValueTest = (value: JsonValue) => boolean;

/** True of an array when the test is true of one of its elements, else of the value itself. */
export function elementwise(test: ValueTest): ValueTest {
  return (value) => (Array.isArray(value) ? value.some(test) : test(value));
}

/**
 * The test of a match. `except` is true of a value that isn't listed; null counts as no value.
 * Numbers and strings never equal each other.
 */
export function matchTest(match: Match): ValueTest {
  if ('value' in match) {
    const { value: wanted } = match;
    return (value) => value === wanted;
  }
  if ('any' in match) {
    const listed: ReadonlySet<JsonValue> = new Set(match.any);
    return (value) => listed.has(value);
  }
  const excepted: ReadonlySet<JsonValue> = new Set(match.except);
  return (value) => value !== null && !excepted.has(value);
}

/** The test of a range: true of numbers within all of its bounds, and of nothing else. */
export function rangeTest(range: Range): ValueTest {
  const isAbove = lowerTest(range);
  const isBelow = upperTest(range);
  return (value) => typeof value === 'number' && isAbove(value) && isBelow(value);
}

/** True of numbers within the lower bounds of a range. */
export function lowerTest(range: Range): (value: number) => boolean {
  const { gt = Number.NEGATIVE_INFINITY, gte = Number.NEGATIVE_INFINITY } = range;
  return (value) => value > gt && value >= gte;
}

/** True of numbers within the upper bounds of a range. */
export function upperTest(range: Range): (value: number) => boolean {
  const { lt = Number.POSITIVE_INFINITY, lte = Number.POSITIVE_INFINITY } = range;
  return (value) => value < lt && value <= lte;
}

/** `isEmpty` of one value: null or an array without elements. */
export function isEmptyValue(value: JsonValue): boolean {
  return value === null || (Array.isArray(value) && value.length === 0);
}

import type { Condition, Filter, Payload, PointId } from '../../types.js';
import { elementwise, isEmptyValue, matchTest, rangeTest, type ValueTest } from './filter-match.js';
import { anyAt, type PayloadPath, parsePath } from './payload-path.js';

/** True of the points that pass a filter. */
export type PointTest = (id: PointId, payload: Payload) => boolean;

/**
 * Turns a filter into one function; paths are parsed and lists become sets once. A point passes
 * when all of `must`, none of `mustNot` and one of `should` hold. An empty list says nothing, so
 * that `{}` passes every point.
 *
 * The filter has been checked by `checkFilter`. Errors: `SLUICE_BAD_FILTER` for a bad path.
 */
export function compileFilter(filter: Filter): PointTest {
  const { must = [], should = [], mustNot = [] } = filter;
  const tests = must.map(compileCondition);
  if (should.length > 0) tests.push(anyOf(should.map(compileCondition)));
  if (mustNot.length > 0) tests.push(not(anyOf(mustNot.map(compileCondition))));
  return allOf(tests);
}

function compileCondition(condition: Condition): PointTest {
  if ('key' in condition) {
    const test = 'match' in condition ? matchTest(condition.match) : rangeTest(condition.range);
    return someValue(condition.key, elementwise(test));
  }
  if ('exists' in condition) return someValue(condition.exists.key, (value) => value !== null);
  if ('isNull' in condition) return someValue(condition.isNull.key, (value) => value === null);
  if ('isEmpty' in condition) {
    return not(someValue(condition.isEmpty.key, (value) => !isEmptyValue(value)));
  }
  if ('hasId' in condition) {
    const ids = new Set(condition.hasId);
    return (id) => ids.has(id);
  }
  return compileFilter(condition);
}

function someValue(key: string, test: ValueTest): PointTest {
  const path: PayloadPath = parsePath(key, 'SLUICE_BAD_FILTER');
  return (_id, payload) => anyAt(payload, path, test);
}

function not(test: PointTest): PointTest {
  return (id, payload) => !test(id, payload);
}

function anyOf(tests: readonly PointTest[]): PointTest {
  const [only] = tests;
  if (only && tests.length === 1) return only;
  return (id, payload) => tests.some((test) => test(id, payload));
}

function allOf(tests: readonly PointTest[]): PointTest {
  const [only] = tests;
  if (only && tests.length === 1) return only;
  return (id, payload) => tests.every((test) => test(id, payload));
}

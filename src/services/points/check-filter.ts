import { SluiceError } from '../../errors.js';
import type { Condition, Filter, Match, PointId, Range } from '../../types.js';
import { shown } from '../option-checks.js';
import { idProblem, isPointId } from './check-id.js';
import { isJsonObject, isPlainObject } from './json.js';
import { parsePath } from './payload-path.js';

/** Levels of filters within filters. */
export const FILTER_DEPTH_MAX = 64;

/** Conditions in one filter, those of the filters within it included. */
export const FILTER_CONDITIONS_MAX = 10_000;

const CLAUSES = ['must', 'should', 'mustNot'] as const;
const FIELD_CONDITION = ['key', 'match', 'range'] as const;
const KEY_CONDITIONS = ['exists', 'isEmpty', 'isNull'] as const;
const CONDITION = [...CLAUSES, ...FIELD_CONDITION, ...KEY_CONDITIONS, 'hasId'] as const;
const MATCH = ['value', 'any', 'except'] as const;
const RANGE = ['gt', 'gte', 'lt', 'lte'] as const;

/**
 * Checks a filter and returns a deep copy. A key whose value is undefined counts as not given.
 * Throws `SLUICE_BAD_FILTER`, naming the place, for an unknown key or condition, a wrong type, a
 * bad path or id, a range without bounds, more than 64 levels or 10,000 conditions.
 */
export function checkFilter(filter: unknown, place = 'filter'): Filter {
  return new FilterReader().readFilter(filter, place, 1);
}

class FilterReader {
  #conditionsLeft = FILTER_CONDITIONS_MAX;

  readFilter(value: unknown, place: string, depth: number): Filter {
    if (depth > FILTER_DEPTH_MAX) throw bad(place, `more than ${FILTER_DEPTH_MAX} levels deep`);
    const fields = readFields(value, place, CLAUSES);
    const filter: Filter = {};
    for (const clause of CLAUSES) {
      const conditions = fields[clause];
      if (conditions === undefined) continue;
      filter[clause] = readList(conditions, `${place}.${clause}`, (condition, at) =>
        this.#readCondition(condition, at, depth),
      );
    }
    return filter;
  }

  #readCondition(value: unknown, place: string, depth: number): Condition {
    if (--this.#conditionsLeft < 0) {
      throw bad(place, `the filter has more than ${FILTER_CONDITIONS_MAX} conditions`);
    }
    const fields = readFields(value, place, CONDITION);
    if (CLAUSES.some((clause) => fields[clause] !== undefined)) {
      return this.readFilter(value, place, depth + 1);
    }
    if (fields.key !== undefined) return readFieldCondition(value, place);
    const kind = oneKey(fields, place, [...KEY_CONDITIONS, 'hasId']);
    if (kind === 'hasId') return { hasId: readIds(fields.hasId, `${place}.hasId`) };
    const operand = readFields(fields[kind], `${place}.${kind}`, ['key']);
    const key = readPath(operand.key, `${place}.${kind}.key`);
    switch (kind) {
      case 'exists':
        return { exists: { key } };
      case 'isEmpty':
        return { isEmpty: { key } };
      case 'isNull':
        return { isNull: { key } };
    }
  }
}

function readFieldCondition(value: unknown, place: string): Condition {
  const fields = readFields(value, place, FIELD_CONDITION);
  const key = readPath(fields.key, `${place}.key`);
  const { key: _key, ...tests } = fields;
  return oneKey(tests, place, ['match', 'range']) === 'match'
    ? { key, match: readMatch(fields.match, `${place}.match`) }
    : { key, range: readRange(fields.range, `${place}.range`) };
}

function readMatch(value: unknown, place: string): Match {
  const fields = readFields(value, place, MATCH);
  const kind = oneKey(fields, place, MATCH);
  if (kind === 'value') return { value: readScalar(fields.value, `${place}.value`) };
  const list = readList(fields[kind], `${place}.${kind}`, (element, at) => {
    const scalar = readScalar(element, at);
    if (typeof scalar !== 'boolean') return scalar;
    throw bad(at, 'must be a string or a number');
  });
  return kind === 'any' ? { any: list } : { except: list };
}

function readScalar(value: unknown, place: string): string | number | boolean {
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value + 0;
  throw bad(place, `must be a string, a finite number or a boolean, not ${shown(value)}`);
}

function readRange(value: unknown, place: string): Range {
  const fields = readFields(value, place, RANGE);
  const range: Range = {};
  for (const bound of RANGE) {
    const limit = fields[bound];
    if (limit === undefined) continue;
    if (typeof limit !== 'number' || !Number.isFinite(limit)) {
      throw bad(`${place}.${bound}`, `must be a finite number, not ${shown(limit)}`);
    }
    range[bound] = limit + 0;
  }
  if (Object.keys(range).length === 0) throw bad(place, `needs one of ${RANGE.join(', ')}`);
  return range;
}

function readIds(value: unknown, place: string): PointId[] {
  return readList(value, place, (id, at) => {
    if (isPointId(id)) return id === 0 ? 0 : id;
    throw bad(at, `${idProblem(id)}`);
  });
}

function readPath(value: unknown, place: string): string {
  if (typeof value !== 'string') throw bad(place, `must be a path, not ${shown(value)}`);
  parsePath(value, 'SLUICE_BAD_FILTER', place);
  return value;
}

/** Reads each element; a hole is read as undefined, so that the first one is refused. */
function readList<T>(
  value: unknown,
  place: string,
  read: (element: unknown, place: string) => T,
): T[] {
  if (!Array.isArray(value)) throw bad(place, `must be an array, not ${shown(value)}`);
  return Array.from<unknown, T>(value, (element, i) => read(element, `${place}[${i}]`));
}

/** The fields of an object that may have those of `known` only. */
function readFields<Key extends string>(
  value: unknown,
  place: string,
  known: readonly Key[],
): Partial<Record<Key, unknown>> {
  // A Map, say, has no fields: it would be a filter that passes every point.
  if (!isJsonObject(value) || !isPlainObject(value)) {
    throw bad(place, `must be a plain object, not ${shown(value)}`);
  }
  const fields: Record<string, unknown> = { ...value };
  for (const key of Object.keys(fields)) {
    if (known.some((name) => name === key)) continue;
    throw bad(place, `unknown key ${shown(key)}; known here: ${known.join(', ')}`);
  }
  return fields as Partial<Record<Key, unknown>>;
}

/** The one key of `keys` that the fields have, beside undefined ones. */
function oneKey<Key extends string>(
  fields: Readonly<Record<string, unknown>>,
  place: string,
  keys: readonly Key[],
): Key {
  const given = Object.keys(fields).filter((key) => fields[key] !== undefined);
  const key = keys.find((name) => name === given[0]);
  if (given.length === 1 && key !== undefined) return key;
  throw bad(place, `needs exactly one of ${keys.join(', ')}`);
}

function bad(place: string, problem: string): SluiceError {
  return new SluiceError('SLUICE_BAD_FILTER', `${place}: ${problem}`);
}

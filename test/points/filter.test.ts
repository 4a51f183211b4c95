import fc from 'fast-check';
import type { Condition, Filter, JsonValue, Payload, PointId } from 'sluice';
import { describe, expect, test } from 'vitest';
import { compileFilter } from '#sluice/services/points/filter.js';
import { filter, payload, pointId } from './arbitraries.js';

/** True when the filter passes a point with this payload. */
function passes(where: Filter, fields: Payload, id: PointId = 1): boolean {
  return compileFilter(where)(id, fields);
}

function must(condition: Condition): Filter {
  return { must: [condition] };
}

describe('a filter', () => {
  const western: Payload = { year: 1968, genres: ['Western', 'Drama'], lead: { name: 'Bronson' } };

  test('passes when all of must, none of mustNot and one of should hold', () => {
    const year: Condition = { key: 'year', range: { gte: 1960 } };
    const drama: Condition = { key: 'genres', match: { value: 'Drama' } };
    const comedy: Condition = { key: 'genres', match: { value: 'Comedy' } };
    expect(passes({ must: [year, drama] }, western)).toBe(true);
    expect(passes({ must: [year, comedy] }, western)).toBe(false);
    expect(passes({ should: [comedy, drama] }, western)).toBe(true);
    expect(passes({ should: [comedy] }, western)).toBe(false);
    expect(passes({ must: [year], mustNot: [comedy, drama] }, western)).toBe(false);
    expect(passes({ must: [year], should: [drama], mustNot: [comedy] }, western)).toBe(true);
    expect(passes({ must: [{ should: [comedy, { mustNot: [comedy] }] }] }, western)).toBe(true);
  });

  test('without conditions passes everything, also with empty lists', () => {
    expect(passes({}, {})).toBe(true);
    expect(passes({ must: [], should: [], mustNot: [] }, {})).toBe(true);
  });

  test('matches an array when one element does, and keeps numbers and strings apart', () => {
    expect(passes(must({ key: 'genres', match: { any: ['Noir', 'Western'] } }), western)).toBe(
      true,
    );
    expect(passes(must({ key: 'n', match: { value: 1 } }), { n: '1' })).toBe(false);
    expect(passes(must({ key: 'n', match: { value: true } }), { n: [false, true] })).toBe(true);
    expect(passes(must({ key: 'n', match: { value: 1 } }), { n: [[1]] })).toBe(false);
    expect(passes(must({ key: 'n[]', match: { value: 1 } }), { n: [[1]] })).toBe(true);
    expect(passes(must({ key: 'n', range: { gt: 1, lt: 3 } }), { n: [0, 2] })).toBe(true);
    expect(passes(must({ key: 'n', range: { gt: 1 } }), { n: '2' })).toBe(false);
  });

  test('includes the bounds of gte and lte and excludes those of gt and lt', () => {
    const inRange = [1, 2, 3].filter((n) => passes(must({ key: 'n', range: { gt: 1 } }), { n }));
    expect(inRange).toEqual([2, 3]);
    expect(passes(must({ key: 'n', range: { gte: 2, lte: 2 } }), { n: 2 })).toBe(true);
    expect(passes(must({ key: 'n', range: { lt: 2 } }), { n: 2 })).toBe(false);
  });

  test('except needs a value that is not listed', () => {
    const except = must({ key: 'g', match: { except: ['a'] } });
    expect(passes(except, { g: 'b' })).toBe(true);
    expect(passes(except, { g: ['a', 'b'] })).toBe(true);
    expect(passes(except, { g: ['a'] })).toBe(false);
    expect(passes(except, { g: null })).toBe(false);
    expect(passes(except, {})).toBe(false);
  });

  test('tells missing, null, empty and present fields apart', () => {
    const states: Payload[] = [{}, { f: null }, { f: [] }, { f: 0 }];
    const holds = (condition: Condition) => states.map((fields) => passes(must(condition), fields));
    expect(holds({ exists: { key: 'f' } })).toEqual([false, false, true, true]);
    expect(holds({ isNull: { key: 'f' } })).toEqual([false, true, false, false]);
    expect(holds({ isEmpty: { key: 'f' } })).toEqual([true, true, true, false]);
    expect(passes(must({ isNull: { key: 'f[]' } }), { f: [1, null] })).toBe(true);
  });

  test('reads nested fields and never inherited ones', () => {
    expect(passes(must({ key: 'lead.name', match: { value: 'Bronson' } }), western)).toBe(true);
    expect(passes(must({ key: '"a.b"', match: { value: 1 } }), { 'a.b': 1 })).toBe(true);
    expect(passes(must({ exists: { key: 'constructor' } }), western)).toBe(false);
    expect(passes(must({ exists: { key: '__proto__' } }), western)).toBe(false);
  });

  test('hasId keeps 1 and "1" apart', () => {
    expect(passes(must({ hasId: [1, 'a'] }), {}, 1)).toBe(true);
    expect(passes(must({ hasId: [1, 'a'] }), {}, '1')).toBe(false);
  });

  test('agrees with a naive evaluator on random filters and payloads', () => {
    fc.assert(
      fc.property(filter, pointId, payload, (where, id, fields) => {
        expect(compileFilter(where)(id, fields)).toBe(naive(where, id, fields));
      }),
      { numRuns: 2000 },
    );
  });
});

// The naive evaluator interprets the filter for each point. It finds values by spreading paths over
// text patterns: nothing in it is shared with what it checks.

function naive(where: Filter, id: PointId, fields: Payload): boolean {
  const holds = (condition: Condition) => naiveCondition(condition, id, fields);
  if (where.must?.some((condition) => !holds(condition))) return false;
  if (where.mustNot?.some(holds)) return false;
  return where.should === undefined || where.should.length === 0 || where.should.some(holds);
}

function naiveCondition(condition: Condition, id: PointId, fields: Payload): boolean {
  if ('hasId' in condition) return condition.hasId.indexOf(id) >= 0;
  if ('exists' in condition) return naiveValues(fields, condition.exists.key).some(isPresent);
  if ('isNull' in condition) return naiveValues(fields, condition.isNull.key).includes(null);
  if ('isEmpty' in condition) {
    return naiveValues(fields, condition.isEmpty.key).every((v) => [null, '[]'].includes(text(v)));
  }
  if (!('key' in condition)) return naive(condition, id, fields);
  const candidates: JsonValue[] = [];
  for (const found of naiveValues(fields, condition.key)) {
    if (Array.isArray(found)) candidates.push(...found);
    else candidates.push(found);
  }
  if ('range' in condition) {
    const { gt, gte, lt, lte } = condition.range;
    return candidates.some((n) => {
      if (typeof n !== 'number') return false;
      if (gt !== undefined && !(n > gt)) return false;
      if (gte !== undefined && !(n >= gte)) return false;
      if (lt !== undefined && !(n < lt)) return false;
      return lte === undefined || n <= lte;
    });
  }
  const { match } = condition;
  if ('value' in match) return candidates.includes(match.value);
  if ('any' in match) return candidates.some((v) => match.any.some((wanted) => wanted === v));
  return candidates.some((v) => isPresent(v) && match.except.every((listed) => listed !== v));
}

function isPresent(found: JsonValue): boolean {
  return found !== null;
}

function text(found: JsonValue): string | null {
  return found === null ? null : JSON.stringify(found);
}

function naiveValues(fields: Payload, key: string): JsonValue[] {
  let found: JsonValue[] = [fields];
  for (const step of key.replaceAll('[]', '.[]').split('.')) {
    found = found.flatMap((at): JsonValue[] => {
      if (step === '[]') return Array.isArray(at) ? at : [];
      if (typeof at !== 'object' || at === null || Array.isArray(at)) return [];
      return Object.entries(at)
        .filter(([name]) => name === step)
        .map(([, child]) => child);
    });
  }
  return found;
}

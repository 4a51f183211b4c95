import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { JsonValue, Payload } from 'sluice';
import { describe, expect, test } from 'vitest';
import { cloneJson } from '#sluice/services/points/json.js';
import { deletePayloadKeys, payloadChange, setPayload } from '#sluice/services/points/payload.js';
import {
  EACH,
  parseObjectPath,
  parsePath,
  valuesAt,
} from '#sluice/services/points/payload-path.js';
import { jsonValue, path, payload } from './arbitraries.js';

const paths = (...keys: string[]) => keys.map((key) => parsePath(key, 'SLUICE_BAD_PAYLOAD'));

/** Freezes a payload all the way down, so that any write to it throws. */
function frozen<T extends JsonValue>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozen);
  return Object.freeze(value);
}

describe('cloneJson', () => {
  test('copies every level and shares nothing', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        const copy = cloneJson(value);
        assert.deepStrictEqual(copy, value);
        expect(JSON.stringify(copy)).toBe(JSON.stringify(value));
        const parts = new Set(objectsIn(value));
        for (const part of objectsIn(copy)) expect(parts.has(part)).toBe(false);
      }),
    );
  });

  test('keeps a __proto__ key as an ordinary field', () => {
    const value: Payload = JSON.parse('{"__proto__":{"polluted":[1]}}');
    const copy = cloneJson(value);
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect(JSON.stringify(copy)).toBe('{"__proto__":{"polluted":[1]}}');
    expect(Object.hasOwn(copy, '__proto__')).toBe(true);
  });

  function objectsIn(value: JsonValue): object[] {
    if (typeof value !== 'object' || value === null) return [];
    return [value, ...Object.values(value).flatMap(objectsIn)];
  }
});

describe('a path', () => {
  test('names fields, elements and quoted fields', () => {
    expect(paths('a', 'a.b', 'a[].b[][]', '"a.b[]".c', 'x y')).toEqual([
      ['a'],
      ['a', 'b'],
      ['a', EACH, 'b', EACH, EACH],
      ['a.b[]', 'c'],
      ['x y'],
    ]);
  });

  test.each([
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    '[]',
    '[].a',
    'a.[]',
    'a[]b',
    'a[0]',
    'a]',
    '"a',
    '""',
    '"a"b',
  ])('%j is refused', (text) => {
    expect(() => parsePath(text, 'SLUICE_BAD_FILTER', 'here')).toThrowError(
      expect.objectContaining({
        code: 'SLUICE_BAD_FILTER',
        message: expect.stringMatching(/^here/),
      }),
    );
  });

  test('has 64 steps at most, and names one place where one is needed', () => {
    const deep = (steps: number) => Array(steps).fill('a').join('.');
    expect(parsePath(deep(64), 'SLUICE_BAD_PAYLOAD')).toHaveLength(64);
    expect(() => parsePath(deep(65), 'SLUICE_BAD_PAYLOAD')).toThrowError(/64 steps/);
    expect(() => parseObjectPath('a[].b', 'SLUICE_BAD_PAYLOAD')).toThrowError(/one place/);
  });

  test('finds values in order and none where a field is missing', () => {
    const [nested = []] = paths('a[].b');
    expect(valuesAt({ a: [{ b: 1 }, { c: 2 }, 3, { b: [4] }] }, nested)).toEqual([1, [4]]);
    expect(valuesAt({ a: { b: 1 } }, nested)).toEqual([]);
  });
});

describe('setPayload', () => {
  test('merges fields, not levels', () => {
    const before = frozen<Payload>({ a: { x: 1, y: 2 }, b: 1 });
    expect(setPayload(before, { a: { x: 9 }, c: 3 })).toEqual({ a: { x: 9 }, b: 1, c: 3 });
  });

  test('merges into the object at a path and creates objects on the way', () => {
    const before = frozen<Payload>({ a: { x: 1 }, n: 5 });
    expect(setPayload(before, { y: 2 }, ['a'])).toEqual({ a: { x: 1, y: 2 }, n: 5 });
    expect(setPayload(before, { y: 2 }, ['b', 'c'])).toEqual({ ...before, b: { c: { y: 2 } } });
    expect(setPayload(before, { y: 2 }, ['n'])).toEqual({ a: { x: 1 }, n: { y: 2 } });
  });

  test('never reaches a prototype', () => {
    const after = setPayload({}, { polluted: true }, ['__proto__']);
    expect(JSON.stringify(after)).toBe('{"__proto__":{"polluted":true}}');
    expect(Object.getPrototypeOf(after)).toBe(Object.prototype);
    expect(setPayload({}, { x: 1 }, ['constructor'])).toEqual({ constructor: { x: 1 } });
    expect({}).not.toHaveProperty('polluted');
  });
});

describe('deletePayloadKeys', () => {
  test('removes fields, fields of elements and all elements', () => {
    const before = frozen<Payload>({ a: [{ b: 1, c: 2 }, { c: 3 }, 4], d: { e: 1, f: 2 } });
    expect(deletePayloadKeys(before, paths('a[].b', 'd.e'))).toEqual({
      a: [{ c: 2 }, { c: 3 }, 4],
      d: { f: 2 },
    });
    expect(deletePayloadKeys(before, paths('a[]'))).toEqual({ a: [], d: { e: 1, f: 2 } });
    expect(deletePayloadKeys(before, paths('a', 'd'))).toEqual({});
  });

  test('returns the same object when there is nothing to remove', () => {
    const before = frozen<Payload>({ a: [{ c: 1 }], d: 1 });
    expect(deletePayloadKeys(before, paths('x', 'a.c', 'a[].b', 'd[].e', 'd.e'))).toBe(before);
  });
});

test('a changed payload has nothing at the deleted path and everything that was set', () => {
  fc.assert(
    fc.property(payload, payload, path, (before, patch, key) => {
      frozen(before);
      frozen(patch);
      const [parsed = []] = paths(key);
      const emptied = deletePayloadKeys(before, [parsed]);
      if (parsed.at(-1) !== EACH) expect(valuesAt(emptied, parsed)).toEqual([]);
      const objectPath = parsed.filter((step) => step !== EACH);
      const merged = setPayload(before, patch, objectPath);
      for (const [name, value] of Object.entries(patch)) {
        assert.deepStrictEqual(valuesAt(merged, [...objectPath, name]), [value]);
      }
    }),
  );
});

test('each payload operation becomes one function', () => {
  const before = frozen<Payload>({ a: 1, b: { c: 2 } });
  const selector = [1];
  const change = (operation: Parameters<typeof payloadChange>[0]) =>
    payloadChange(operation)(before);
  expect(change({ kind: 'setPayload', payload: { d: 3 }, selector, key: 'b' })).toEqual({
    a: 1,
    b: { c: 2, d: 3 },
  });
  expect(change({ kind: 'setPayload', payload: { d: 3 }, selector })).toEqual({ ...before, d: 3 });
  expect(change({ kind: 'overwritePayload', payload: { d: 3 }, selector })).toEqual({ d: 3 });
  expect(change({ kind: 'deletePayload', keys: ['b.c'], selector })).toEqual({ a: 1, b: {} });
  expect(change({ kind: 'clearPayload', selector })).toEqual({});
});

import assert from 'node:assert/strict';
import vm from 'node:vm';
import fc from 'fast-check';
import { type ErrorCode, SluiceError } from 'sluice';
import { describe, expect, test } from 'vitest';
import { checkFilter } from '#sluice/services/points/check-filter.js';
import { checkPayload } from '#sluice/services/points/check-payload.js';
import { checkVector } from '#sluice/services/points/check-vector.js';
import { checkClockTag, checkUpdateOptions } from '#sluice/services/points/update-options.js';
import {
  buildCreatePayloadIndex,
  buildDelete,
  buildDeletePayload,
  buildDeletePayloadIndex,
  buildOverwritePayload,
  buildSetPayload,
  buildUpdateVectors,
  buildUpsert,
} from '#sluice/services/points/validate.js';
import { filter, payload } from './arbitraries.js';

/** Runs `run` and expects the coded error, with the text (a place, a problem) in its message. */
function refused(code: ErrorCode, text: string, run: () => unknown): void {
  let thrown: unknown;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(SluiceError);
  expect(thrown).toMatchObject({ code, kind: 'declined' });
  expect(String(thrown)).toContain(text);
}

const point = (id: unknown, vector: unknown = [1, 2], fields: object = {}) => ({
  id,
  vector,
  ...fields,
});

describe('an upsert', () => {
  test('becomes columns that share no memory with the input', () => {
    const vector = new Float32Array([1, 2]);
    const tags = ['x'];
    const input = [point(1, vector, { payload: { tags } }), point('a', [3, 4])];
    const operation = buildUpsert(input, 2);
    vector[0] = 9;
    tags.push('y');
    expect(operation).toEqual({
      kind: 'upsert',
      ids: [1, 'a'],
      vectors: new Float32Array([1, 2, 3, 4]),
      payloads: [{ tags: ['x'] }, {}],
    });
  });

  test('without points is legal', () => {
    expect(buildUpsert([], 2)).toMatchObject({ ids: [], payloads: [] });
  });

  test('keeps the last of points with the same id, and checks those before it', () => {
    const operation = buildUpsert(
      [point(1, [1, 1], { payload: { n: 1 } }), point('1', [2, 2]), point(1, [3, 3])],
      2,
    );
    expect(operation.ids).toEqual([1, '1']);
    expect(operation.vectors).toEqual(new Float32Array([3, 3, 2, 2]));
    expect(operation.payloads).toEqual([{}, {}]);
    refused('SLUICE_BAD_VECTOR', 'point 0', () => buildUpsert([point(1, [1]), point(1)], 2));
  });

  test('takes -0 as the id 0', () => {
    expect(Object.is(buildUpsert([point(-0)], 2).ids[0], 0)).toBe(true);
  });

  test.each([
    -1,
    1.5,
    2 ** 53,
    Number.NaN,
    '',
    'x'.repeat(1025),
    'a\ud800',
    null,
    undefined,
    1n,
    {},
    [1],
  ])('refuses the id %o', (id) => {
    refused('SLUICE_BAD_ID', 'point 1: id', () => buildUpsert([point(1), point(id)], 2));
  });

  test('accepts the longest and the largest id', () => {
    const ids = ['x'.repeat(1024), '😀', Number.MAX_SAFE_INTEGER];
    expect(
      buildUpsert(
        ids.map((id) => point(id)),
        2,
      ).ids,
    ).toEqual(ids);
  });

  test.each([
    [[1], 'it has 1 numbers, the collection has 2 dimensions'],
    [[1, 2, 3], 'it has 3 numbers, the collection has 2 dimensions'],
    [[1, Number.NaN], '[1] is NaN'],
    [new Float32Array([Number.POSITIVE_INFINITY, 1]), '[0] is Infinity'],
    [[1, 1e39], '[1] is 1e+39, which is too large for a float32'],
    [[1, '2'], '[1] is "2", not a number'],
    [Array(2), '[0] is undefined'],
    [new Float64Array(2), 'expected a Float32Array'],
    [undefined, 'expected a Float32Array'],
    ['12', 'expected a Float32Array'],
    [{ length: 2, 0: 1, 1: 2 }, 'expected a Float32Array'],
  ])('refuses the vector %o', (vector, problem) => {
    const run = () => buildUpsert([point(0), { id: 1, vector }], 2);
    refused('SLUICE_BAD_VECTOR', `point 1: vector: ${problem}`, run);
    refused('SLUICE_BAD_VECTOR', 'vector', () => checkVector(vector, 2));
  });

  test('refuses unknown fields, which would be lost', () => {
    const run = () => buildUpsert([point(1, [1, 2], { paylod: {} })], 2);
    refused('SLUICE_BAD_PAYLOAD', 'point 0: unknown field "paylod"', run);
    const update = () => buildUpdateVectors([point(1, [1, 2], { payload: {} })], 2);
    refused('SLUICE_BAD_PAYLOAD', 'unknown field "payload"', update);
  });

  test('of more vectors than memory can hold is refused before anything is allocated', () => {
    refused('SLUICE_OPERATION_TOO_LARGE', '3000000 points', () => buildUpsert(Array(3e6), 1024));
  });

  test.each([undefined, null, {}, 'points', new Set()])('of %o is a TypeError', (points) => {
    expect(() => buildUpsert(points, 2)).toThrow(TypeError);
  });

  test.each([undefined, null, 1, 'point', []])('of the point %o is a TypeError', (input) => {
    expect(() => buildUpsert([point(1), input], 2)).toThrow(/^point 1 must be an object/);
    expect(() => buildUpdateVectors([input], 2)).toThrow(TypeError);
  });
});

describe('a payload', () => {
  const cyclic: Record<string, unknown> = { a: [] };
  cyclic.a = [{ back: cyclic }];
  let deep: unknown = 1;
  for (let level = 0; level < 64; level++) deep = { deep };

  test.each<[string, unknown, string]>([
    ['undefined', { a: { b: [1, undefined] } }, 'payload.a.b[1] is undefined'],
    ['NaN', { a: Number.NaN }, 'payload.a is NaN'],
    ['an infinity', { a: [Number.NEGATIVE_INFINITY] }, 'payload.a[0] is -Infinity'],
    ['a function', { a: () => 1 }, 'payload.a is a function'],
    ['a method toJSON', { a: { toJSON: () => 1 } }, 'payload.a.toJSON is a function'],
    ['a symbol', { a: Symbol('s') }, 'payload.a is a symbol'],
    ['a symbol as a key', { a: { [Symbol('s')]: 1 } }, 'payload.a has a symbol'],
    ['a bigint', { a: 1n }, 'payload.a is a bigint'],
    ['a Date', { a: new Date(0) }, 'payload.a is an instance'],
    ['a Map', { a: new Map() }, 'payload.a is an instance'],
    ['a typed array', { a: new Float32Array(1) }, 'payload.a is an instance'],
    ['a boxed number', { a: Object(1) }, 'payload.a is an instance'],
    ['an instance of a class', new (class Movie {})(), 'payload is an instance'],
    ['a subclass of Array', { a: new (class List extends Array {})() }, 'payload.a is a subclass'],
    ['a hole', { a: Array(2) }, 'payload.a[0] is undefined'],
    ['a cycle', cyclic, 'levels deep, or contains itself'],
    ['65 levels', { deep }, 'more than 64 levels'],
    ['null', null, 'must be an object'],
    ['an array', [], 'must be an object'],
    ['text', '{}', 'must be an object'],
  ])('with %s is refused, naming the place', (_name, value, text) => {
    refused('SLUICE_BAD_PAYLOAD', text, () => checkPayload(value));
    const inPoint = () => buildUpsert([point(1, [1, 2], { payload: value })], 2);
    refused('SLUICE_BAD_PAYLOAD', text, inPoint);
    refused('SLUICE_BAD_PAYLOAD', 'point 0: payload', inPoint);
  });

  test('with more than a million values is refused, whatever it unfolds to', () => {
    let shared: unknown[] = [1];
    for (let level = 0; level < 40; level++) shared = [shared, shared];
    const holes = Array(2 ** 32 - 1);
    refused('SLUICE_BAD_PAYLOAD', 'more than 1000000 values', () => checkPayload({ shared }));
    refused('SLUICE_BAD_PAYLOAD', 'more than 1000000 values', () => checkPayload({ holes }));
  });

  test('of plain JSON is copied as it is', () => {
    fc.assert(
      fc.property(payload, (value) => {
        const copy = checkPayload(value);
        assert.deepStrictEqual(copy, value);
        assert.deepStrictEqual(copy, JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('may have 64 levels, __proto__ keys, no prototype, or come from another realm', () => {
    expect(checkPayload(deep)).toEqual(deep);
    const parsed = checkPayload(JSON.parse('{"__proto__":{"x":1}}'));
    expect(JSON.stringify(parsed)).toBe('{"__proto__":{"x":1}}');
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
    expect(checkPayload(Object.assign(Object.create(null), { x: 1 }))).toEqual({ x: 1 });
    expect(checkPayload(vm.runInNewContext('({ x: [1, { y: 2 }] })'))).toEqual({
      x: [1, { y: 2 }],
    });
    expect(checkVector(vm.runInNewContext('new Float32Array([1, 2])'), 2)).toHaveLength(2);
  });

  test('has no -0, which JSON would turn into 0', () => {
    expect(Object.is(checkPayload({ n: -0 }).n, 0)).toBe(true);
  });

  test('with a getter is read once', () => {
    let reads = 0;
    const value = {
      get n() {
        return ++reads;
      },
    };
    expect(checkPayload(value)).toEqual({ n: 1 });
    expect(reads).toBe(1);
  });

  test('set at a path may not get deeper than 64 levels together with it', () => {
    expect(buildSetPayload(deep, [1]).payload).toEqual(deep);
    refused('SLUICE_BAD_PAYLOAD', '64 levels', () => buildSetPayload(deep, [1], 'a'));
    refused('SLUICE_BAD_PAYLOAD', 'key: "a[].b"', () => buildSetPayload({}, [1], 'a[].b'));
    refused('SLUICE_BAD_PAYLOAD', 'keys[1]: "a."', () => buildDeletePayload(['a', 'a.'], [1]));
    expect(() => buildSetPayload({}, [1], 1)).toThrow(TypeError);
    expect(() => buildDeletePayload('a', [1])).toThrow(TypeError);
  });
});

describe('a filter', () => {
  test('is copied as it is', () => {
    fc.assert(
      fc.property(filter, (where) => {
        expect(checkFilter(where)).toEqual(where);
      }),
    );
  });

  test('may have undefined fields, which say nothing', () => {
    const where = { must: undefined, should: [{ key: 'a', range: { gt: 1, lt: undefined } }] };
    expect(JSON.stringify(checkFilter(where))).toBe('{"should":[{"key":"a","range":{"gt":1}}]}');
  });

  test('with too many conditions is refused before it is copied', () => {
    const many = { must: Array(10_001).fill({ hasId: [] }) };
    refused('SLUICE_BAD_FILTER', 'more than 10000 conditions', () => checkFilter(many));
    const holes = { must: Array(2 ** 32 - 1) };
    refused('SLUICE_BAD_FILTER', 'filter.must[0]: must be a plain object', () =>
      checkFilter(holes),
    );
  });

  const must = (condition: unknown) => ({ must: [{ isNull: { key: 'x' } }, condition] });
  let deep: unknown = { exists: { key: 'a' } };
  for (let level = 0; level < 65; level++) deep = { must: [deep] };

  test.each<[string, unknown]>([
    ['filter: must be a plain object', null],
    ['filter: must be a plain object', []],
    ['filter: must be a plain object', new Map()],
    ['filter: unknown key "most"', { most: [] }],
    ['filter: unknown key "__proto__"', JSON.parse('{"__proto__":[]}')],
    ['filter.must: must be an array', { must: { key: 'a' } }],
    ['filter.must[1]: needs exactly one of', must({})],
    ['filter.must[1]: unknown key "matches"', must({ matches: 1 })],
    ['filter.must[1]: needs exactly one of match, range', must({ key: 'a' })],
    ['filter.must[1].key: must be a path', must({ key: 1, match: { value: 1 } })],
    [`filter.must[1].key: "a." isn't a path`, must({ key: 'a.', match: { value: 1 } })],
    ['filter.must[1]: needs exactly', must({ key: 'a', match: { value: 1 }, range: { gt: 1 } })],
    ['filter.must[1]: unknown key "exists"', must({ key: 'a', match: { value: 1 }, exists: {} })],
    ['filter.must[1].match: needs exactly one of', must({ key: 'a', match: {} })],
    ['filter.must[1].match.value', must({ key: 'a', match: { value: null } })],
    ['filter.must[1].match.value', must({ key: 'a', match: { value: Number.NaN } })],
    ['filter.must[1].match.any: must be an array', must({ key: 'a', match: { any: 'x' } })],
    ['filter.must[1].match.any[1]', must({ key: 'a', match: { any: [1, true] } })],
    ['filter.must[1].match.except[0]', must({ key: 'a', match: { except: [[]] } })],
    ['filter.must[1].match: unknown key "text"', must({ key: 'a', match: { text: 'x' } })],
    ['filter.must[1].range: needs one of', must({ key: 'a', range: {} })],
    ['filter.must[1].range.gt: must be a finite number', must({ key: 'a', range: { gt: '1' } })],
    ['filter.must[1].range.gt', must({ key: 'a', range: { gt: Number.POSITIVE_INFINITY } })],
    ['filter.must[1].range: unknown key "from"', must({ key: 'a', range: { from: 1 } })],
    ['filter.must[1].exists: must be a plain object', must({ exists: 'a' })],
    ['filter.must[1]: needs exactly one of', must({ exists: { key: 'a' }, isNull: { key: 'a' } })],
    ['filter.must[1].isEmpty.key: must be a path', must({ isEmpty: {} })],
    ['filter.must[1].hasId: must be an array', must({ hasId: 1 })],
    ['filter.must[1].hasId[1]: -1', must({ hasId: [1, -1] })],
    ['filter.must[1].must[0].should[0]', must({ must: [{ should: [3] }] })],
    ['filter.must[1]: unknown key "key"', must({ must: [], key: 'a' })],
    ['more than 64 levels', deep],
  ])('is refused with %j', (text, where) => {
    refused('SLUICE_BAD_FILTER', text, () => checkFilter(where));
    refused('SLUICE_BAD_FILTER', text, () => buildDelete({ filter: where }));
  });
});

describe('a selector', () => {
  test('is a list of ids without repetitions, or a filter', () => {
    expect(buildDelete([1, '1', 1]).selector).toEqual([1, '1']);
    expect(buildDelete([]).selector).toEqual([]);
    expect(buildDelete({ filter: {} }).selector).toEqual({ filter: {} });
    refused('SLUICE_BAD_ID', 'ids[1]', () => buildDelete([1, -1]));
  });

  test.each([
    undefined,
    null,
    1,
    'a',
    {},
    { must: [] },
    { filter: undefined },
    { filter: {}, ids: [] },
  ])('%o is a TypeError', (selector) => {
    expect(() => buildDelete(selector)).toThrow(TypeError);
    expect(() => buildOverwritePayload({}, selector)).toThrow(TypeError);
  });
});

test('a payload index has a path and a known type', () => {
  expect(buildCreatePayloadIndex('a[].b', 'keyword')).toEqual({
    kind: 'createPayloadIndex',
    key: 'a[].b',
    type: 'keyword',
  });
  refused('SLUICE_BAD_OPTION', 'type', () => buildCreatePayloadIndex('a', 'text'));
  refused('SLUICE_BAD_PAYLOAD', 'key', () => buildCreatePayloadIndex('', 'bool'));
  refused('SLUICE_BAD_PAYLOAD', 'key', () => buildDeletePayloadIndex('a..b'));
});

describe('the options of an update', () => {
  test('are copied; undefined counts as not given', () => {
    const clockTag = { peerId: 1, clockId: 0, tick: 5 };
    const { signal } = new AbortController();
    const options = { wait: false, timeoutMs: 0.5, signal, clockTag };
    expect(checkUpdateOptions(options)).toEqual(options);
    expect(checkUpdateOptions(options).clockTag).not.toBe(clockTag);
    expect(checkUpdateOptions(undefined)).toEqual({});
    expect(checkUpdateOptions({ wait: undefined })).not.toHaveProperty('wait');
    expect(checkUpdateOptions({ wait: 'optimized' })).toEqual({ wait: 'optimized' });
  });

  test.each<[object, string]>([
    [{ wiat: true }, 'unknown option wiat; known: wait'],
    [JSON.parse('{"__proto__":1}'), 'unknown option __proto__'],
    [{ wait: 'true' }, 'wait must be true, false or \'optimized\', not "true"'],
    [{ timeoutMs: 0 }, 'timeoutMs'],
    [{ timeoutMs: Number.NaN }, 'timeoutMs'],
    [{ timeoutMs: 2 ** 31 }, 'timeoutMs'],
    [{ signal: {} }, 'signal must be an AbortSignal'],
    [{ clockTag: 1 }, 'clockTag must be an object'],
    [{ clockTag: { peerId: 1, clockId: 1 } }, 'clockTag needs peerId, clockId and tick'],
    [{ clockTag: { peerId: -1, clockId: 1, tick: 1 } }, 'clockTag.peerId'],
    [{ clockTag: { peerId: 1, clockId: 1, tick: 1, t: 1 } }, 'unknown option clockTag.t'],
  ])('%o is refused, naming the option', (options, problem) => {
    refused('SLUICE_BAD_OPTION', problem, () => checkUpdateOptions(options));
  });

  test('are an object', () => {
    expect(() => checkUpdateOptions(true)).toThrow(TypeError);
    expect(() => checkUpdateOptions(null)).toThrow(TypeError);
    refused('SLUICE_BAD_OPTION', 'tag', () => checkClockTag(undefined, 'tag'));
  });
});

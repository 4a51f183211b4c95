// Random point data for the property tests: small alphabets, so that filters and ids often meet,
// with the awkward cases of JSON mixed in.
import fc from 'fast-check';
import type { ClockTag, Condition, Filter, JsonValue, Payload, PointId } from 'sluice';

/** Names of fields; some of them every object inherits. */
export const fieldName = fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor', 'x y');

export const pointId: fc.Arbitrary<PointId> = fc.oneof(
  fc.nat(9),
  fc.maxSafeNat(),
  fc.constantFrom('1', 'a', 'b', 'ä', '😀'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
);

const scalar: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.integer({ min: -2, max: 2 }),
  fc.constantFrom<JsonValue>('x', 'y', '1', '', true, false, null, 0.5, '\ud800', '😀'),
);

const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fieldName, tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}));

/** A JSON value. */
export const jsonValue = value;

export const payload: fc.Arbitrary<Payload> = fc.dictionary(fieldName, jsonValue, {
  maxKeys: 4,
  noNullPrototype: true,
});

/** A float32 that is finite. */
export const component = fc.float({ noNaN: true, noDefaultInfinity: true });

export const path = fc.constantFrom(
  'a',
  'b',
  'a.b',
  'a[].b',
  'a[]',
  'a[][]',
  'a.b[].c',
  '__proto__',
  'constructor.a',
  'x y',
);

const number = fc.integer({ min: -2, max: 2 });
const matchable = fc.constantFrom<string | number>('x', 'y', '1', 1, 0, -1, 2, 0.5);

/** An object with one or more of the given fields. */
function some<T extends object>(model: { [K in keyof T]-?: fc.Arbitrary<T[K]> }) {
  return fc
    .record<T, never>(model, { requiredKeys: [] })
    .filter((object) => Object.keys(object).length > 0);
}

const leaf: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ key: path, match: fc.record({ value: fc.oneof(matchable, fc.boolean()) }) }),
  fc.record({ key: path, match: fc.record({ any: fc.array(matchable, { maxLength: 3 }) }) }),
  fc.record({ key: path, match: fc.record({ except: fc.array(matchable, { maxLength: 3 }) }) }),
  fc.record({ key: path, range: some({ gt: number, gte: number, lt: number, lte: number }) }),
  fc.record({ exists: fc.record({ key: path }) }),
  fc.record({ isEmpty: fc.record({ key: path }) }),
  fc.record({ isNull: fc.record({ key: path }) }),
  fc.record({ hasId: fc.array(pointId, { maxLength: 3 }) }),
);

const { filter: nestedFilter } = fc.letrec<{ filter: Filter; clause: Condition[] }>((tie) => ({
  filter: some<Filter>({ must: tie('clause'), should: tie('clause'), mustNot: tie('clause') }),
  clause: fc.array(fc.oneof({ depthSize: 'small' }, leaf, tie('filter')), { maxLength: 3 }),
}));

/** A valid filter. */
export const filter: fc.Arbitrary<Filter> = nestedFilter;

export const clockTag: fc.Arbitrary<ClockTag> = fc.record(
  {
    peerId: fc.maxSafeNat(),
    clockId: fc.nat(),
    tick: fc.maxSafeNat(),
    token: fc.maxSafeNat(),
    force: fc.boolean(),
  },
  { requiredKeys: ['peerId', 'clockId', 'tick'], noNullPrototype: true },
);

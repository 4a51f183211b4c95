// Values that a caller without a compiler, or a damaged file, may come with.
import fc from 'fast-check';

class Custom {
  value = 1;
}

const cyclic: Record<string, unknown> = { must: [] };
cyclic.self = cyclic;
const endlessList: unknown[] = [];
endlessList.push(endlessList);

/** Single values that have broken programs before. */
export const oddity: fc.Arbitrary<unknown> = fc.constantFrom<unknown>(
  ...[undefined, null, true, '', ' ', '\ud800', '__proto__', 'constructor', '0', '-1', '1e999'],
  ...[0, -0, -1, 0.1, 1e308, 2 ** 31, 2 ** 32, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY],
  ...[1n, Symbol('a symbol'), () => {}, class {}, new Date(Number.NaN), /x/, new Custom()],
  ...[new Map([[1, 2]]), new Set([1]), new WeakMap(), Promise.resolve(1), new Error('an error')],
  ...[
    new Uint8Array(3),
    new Float64Array(2),
    new Float32Array([1, Number.NaN]),
    new ArrayBuffer(8),
  ],
  ...[[], {}, new Array(2), new Array(2 ** 32 - 1), Object.create(null), Object.freeze({ a: 1 })],
  ...[cyclic, endlessList, new Proxy({}, {}), new AbortController().signal],
);

/** Anything: oddities, and whatever JSON or JavaScript can nest. */
export const anything: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: oddity },
  {
    weight: 1,
    arbitrary: fc.anything({
      ...{ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true },
      ...{ withNullPrototype: true, withSparseArray: true, maxDepth: 3 },
    }),
  },
);

/** An object of some of these fields, each good, odd, or anything, and sometimes a foreign one. */
export function nearly(fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> {
  const bent = Object.entries(fields).map(([name, good]) => [
    name,
    fc.oneof({ weight: 3, arbitrary: good }, { weight: 1, arbitrary: anything }),
  ]);
  const foreign = { extra: anything, ['__proto__']: anything };
  return fc.oneof(
    { weight: 1, arbitrary: anything },
    {
      weight: 9,
      arbitrary: fc.record({ ...Object.fromEntries(bent), ...foreign }, { requiredKeys: [] }),
    },
  );
}

/** Bytes with some of them changed, cut off, or added. */
export function damaged(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 });
  const cut = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(64));
  const more = fc.oneof({ weight: 3, arbitrary: fc.constant(new Uint8Array(0)) }, fc.uint8Array());
  return fc.tuple(bytes, flips, cut, more).map(([good, changes, less, added]) => {
    const bad = Uint8Array.from([...good.subarray(0, Math.max(good.length - less, 0)), ...added]);
    for (const [at, byte] of changes) if (bad.length > 0) bad[at % bad.length] = byte;
    return bad;
  });
}

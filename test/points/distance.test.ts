import fc from 'fast-check';
import type { Distance, PointId } from 'sluice';
import { describe, expect, test } from 'vitest';
import {
  dotAt,
  higherIsBetter,
  inverseNormAt,
  rowScore,
  squaredDistanceAt,
} from '#sluice/services/points/distance.js';
import { compareIds } from '#sluice/services/points/ids.js';
import { TopK } from '#sluice/services/points/top-k.js';
import { component, pointId } from './arbitraries.js';

const DISTANCES: Distance[] = ['cosine', 'dot', 'euclid'];

/** A query and a slab of three rows with the same dimensions. */
const slabs = fc
  .integer({ min: 1, max: 19 })
  .chain((dimensions) =>
    fc.tuple(
      fc.array(component, { minLength: dimensions, maxLength: dimensions }),
      fc.array(component, { minLength: 3 * dimensions, maxLength: 3 * dimensions }),
    ),
  );

/** Sums one term after the other; `size` is the sum of the terms' sizes, which bounds rounding. */
function naiveSum(terms: number[]): { sum: number; size: number } {
  let sum = 0;
  let size = 0;
  for (const term of terms) {
    sum += term;
    size += Math.abs(term);
  }
  return { sum, size };
}

describe('scores', () => {
  test('agree with sums in double precision on any row of a slab', () => {
    fc.assert(
      fc.property(slabs, fc.nat(2), ([query, values], row) => {
        const dimensions = query.length;
        const vector = values.slice(row * dimensions, (row + 1) * dimensions);
        const slab = Float32Array.from(values);
        const q = Float32Array.from(query);
        const offset = row * dimensions;
        const dot = naiveSum(query.map((x, i) => x * (vector[i] ?? Number.NaN)));
        expect(Math.abs(dotAt(q, slab, offset) - dot.sum)).toBeLessThanOrEqual(1e-14 * dot.size);
        const square = naiveSum(query.map((x, i) => (x - (vector[i] ?? Number.NaN)) ** 2));
        const difference = Math.abs(squaredDistanceAt(q, slab, offset) - square.sum);
        expect(difference).toBeLessThanOrEqual(1e-14 * square.size);
        const length = Math.sqrt(naiveSum(vector.map((x) => x * x)).sum);
        const inverse = length === 0 ? 0 : 1 / length;
        expect(inverseNormAt(slab, offset, dimensions)).toBeCloseTo(inverse, 12);
      }),
    );
  });

  test('are cosine, dot product and distance', () => {
    const query = new Float32Array([3, 4]);
    const slab = new Float32Array([0, 0, 6, 8, -3, -4, 4, -3]);
    const scores = DISTANCES.map((distance) => {
      const score = rowScore(distance, query);
      return [0, 2, 4, 6].map((offset) => score(slab, offset, inverseNormAt(slab, offset, 2)));
    });
    expect(scores[0]).toEqual([0, expect.closeTo(1), expect.closeTo(-1), expect.closeTo(0)]);
    expect(scores[1]).toEqual([0, 50, -25, 0]);
    expect(scores[2]).toEqual([5, 5, 10, expect.closeTo(Math.sqrt(50))]);
    expect(DISTANCES.map(higherIsBetter)).toEqual([true, true, false]);
  });

  test('of cosine stay within -1…1, and a zero vector scores 0', () => {
    fc.assert(
      fc.property(slabs, ([query, values]) => {
        const slab = Float32Array.from(values);
        const score = rowScore('cosine', Float32Array.from(query));
        const inverseNorm = inverseNormAt(slab, query.length, query.length);
        const value = score(slab, query.length, inverseNorm);
        expect(value).toBeGreaterThanOrEqual(-1);
        expect(value).toBeLessThanOrEqual(1);
        if (inverseNorm === 0) expect(value).toBeCloseTo(0, 15);
      }),
    );
    const self = new Float32Array([1.1, 2.3, 0.7]);
    expect(rowScore('cosine', self)(self, 0, inverseNormAt(self, 0, 3))).toBeLessThanOrEqual(1);
    expect(rowScore('cosine', new Float32Array(3))(self, 0, inverseNormAt(self, 0, 3))).toBe(0);
  });

  test('hold for the smallest and the largest float32', () => {
    for (const value of [1.401298464324817e-45, 3.4028234663852886e38]) {
      const vector = new Float32Array([value, 0, value]);
      const score = rowScore('cosine', vector)(vector, 0, inverseNormAt(vector, 0, 3));
      expect(score).toBeCloseTo(1, 12);
    }
  });
});

test('ids are ordered: numbers, then strings by code unit', () => {
  const sorted: PointId[] = [0, 2, 10, '', '10', '2', 'Z', 'a', '\u{10000}', '\uffff'];
  expect(sorted.toReversed().sort(compareIds)).toEqual(sorted);
  expect(compareIds('a', 'a')).toBe(0);
  expect(compareIds(7, 7)).toBe(0);
});

describe('TopK', () => {
  const hits = fc.uniqueArray(fc.tuple(pointId, fc.integer({ min: -3, max: 3 })), {
    selector: ([id]) => id,
    maxLength: 40,
  });

  test('keeps what sorting everything would, in any order of the offers', () => {
    fc.assert(
      fc.property(hits, fc.nat(12), fc.constantFrom(...DISTANCES), (offers, k, distance) => {
        const top = new TopK<number>(k, distance);
        for (const [i, [id, score]] of offers.entries()) top.offer(id, score, i);
        const all = offers.map(([id, score], item) => ({ id, score, item }));
        const sign = distance === 'euclid' ? 1 : -1;
        all.sort((a, b) => sign * (a.score - b.score) || compareIds(a.id, b.id));
        expect(top.sorted()).toEqual(all.slice(0, k));
        expect(top.size).toBe(Math.min(k, offers.length));
      }),
      { numRuns: 500 },
    );
  });

  test('tells which scores it can still keep', () => {
    const top = new TopK<null>(2, 'euclid');
    expect(top.wants(1e9)).toBe(true);
    top.offer('b', 5, null);
    top.offer('c', 3, null);
    expect([top.wants(6), top.wants(5), top.wants(4)]).toEqual([false, true, true]);
    top.offer('a', 5, null);
    expect(top.sorted().map(({ id }) => id)).toEqual(['c', 'a']);
    expect(new TopK<null>(0, 'dot').wants(1)).toBe(false);
  });
});

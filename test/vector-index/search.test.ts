import fc from 'fast-check';
import type { Distance } from 'sluice';
import { describe, expect, test } from 'vitest';
import { higherIsBetter, inverseNormAt, rowScore } from '#sluice/services/points/distance.js';
import type { VectorIndex } from '#sluice/services/vector-index/vector-index.js';
import { Random } from '../support/random.js';
import { buildOptions, clustered, newIndexes, someVectors, sourceOf } from './support/indexes.js';

const LIMIT = 10;

/** The score of every row, and a bound that the scores of the nearest `LIMIT` keep. */
function exact(vectors: readonly Float32Array[], query: Float32Array, distance: Distance) {
  const sign = higherIsBetter(distance) ? -1 : 1;
  const score = rowScore(distance, query);
  const scores = Float64Array.from(
    vectors,
    (vector) => sign * score(vector, 0, inverseNormAt(vector, 0, vector.length)),
  );
  const bound = scores.toSorted()[LIMIT - 1] ?? Number.POSITIVE_INFINITY;
  return { scores, bound };
}

/** What a search finds that isn't left to an exact one. */
function rowsFrom(index: VectorIndex, query: Float32Array, ef: number): Uint32Array {
  const found = index.search(query, ef);
  expect(found).toBeDefined();
  return found ?? new Uint32Array();
}

/** The share of the nearest rows that a search finds when its candidates are scored exactly. */
function recall(
  index: VectorIndex,
  vectors: readonly Float32Array[],
  queries: readonly Float32Array[],
  distance: Distance,
  ef: number,
): number {
  let found = 0;
  for (const query of queries) {
    const { scores, bound } = exact(vectors, query, distance);
    const rows = [...rowsFrom(index, query, ef)];
    found += rows.filter((row) => (scores[row] ?? Number.NaN) <= bound).length;
  }
  return found / (queries.length * LIMIT);
}

function nearUnit(random: Random, vectors: Float32Array[]): Float32Array[] {
  return vectors.map((vector) => {
    const scale = (0.9 + 0.2 * random.next()) / Math.hypot(...vector);
    return vector.map((x) => x * scale);
  });
}

function distinctRows(found: Uint32Array, rows: number): number {
  return new Set([...found].filter((row) => row < rows)).size;
}

describe('an index finds nearly what looking at every row finds', () => {
  test.each<[Distance, number, number]>([
    ['cosine', 10_000, 64],
    ['dot', 2000, 128],
    ['euclid', 2000, 64],
  ])('%s, %i rows in %i dimensions', async (distance, rows, dimensions) => {
    const random = new Random(7);
    // Many queries: threads link rows in another order each time, and one may lose its ten.
    const all = clustered(random, rows + 100, dimensions);
    const points = distance === 'dot' ? nearUnit(random, all) : all;
    const vectors = points.slice(0, rows);
    const { indexes } = await newIndexes();
    const index = await indexes.build(sourceOf(vectors, distance, 512), buildOptions());
    const queries = points.slice(rows);
    expect(index.record.rows).toBe(rows);
    expect(recall(index, vectors, queries, distance, 64)).toBeGreaterThanOrEqual(0.97);
    // Every row was added, whichever thread added it: nearly each is found by its own vector, if not
    // first. By dot product few links lead to the shortest.
    const some = vectors.slice(-200);
    const own = some.filter((vector, at) => rowsFrom(index, vector, 200).includes(rows - 200 + at));
    expect(own.length).toBeGreaterThanOrEqual(190);
  });

  test('the nearest row comes first, and more candidates hold fewer ones and more', async () => {
    const vectors = someVectors(1000);
    const { indexes } = await newIndexes();
    const index = await indexes.build(sourceOf(vectors, 'euclid'), buildOptions());
    for (const query of vectors.slice(0, 20)) {
      const { scores } = exact(vectors, query, 'euclid');
      const rows = [...rowsFrom(index, query, 100)];
      const found = rows.map((row) => scores[row] ?? Number.NaN);
      expect(rows).toHaveLength(100);
      expect(found).toEqual([...found].sort((a, b) => a - b));
      expect(rowsFrom(index, query, 10)).toHaveLength(10);
    }
  });
});

describe('with at least as many candidates as rows all rows are found, each once', () => {
  test('any small set of vectors, also equal, zero, tiny and huge ones', async () => {
    const { indexes } = await newIndexes();
    const number = fc.oneof(
      fc.float({ min: -1, max: 1, noNaN: true }),
      fc.constantFrom(0, 1, -1, 1e38, -1e38, Math.fround(1e-40)),
    );
    const sets = fc.integer({ min: 1, max: 9 }).chain((dimensions) =>
      fc.array(fc.array(number, { minLength: dimensions, maxLength: dimensions }), {
        minLength: 1,
        maxLength: 60,
      }),
    );
    const cases = fc.record({
      vectors: sets,
      distance: fc.constantFrom<Distance>('cosine', 'dot', 'euclid'),
      threads: fc.integer({ min: 1, max: 3 }),
      m: fc.integer({ min: 2, max: 20 }),
      beyond: fc.nat(100),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ vectors, distance, threads, m, beyond }) => {
        const rows = vectors.map((vector) => Float32Array.from(vector));
        const source = sourceOf(rows, distance, 7);
        const index = await indexes.build(source, buildOptions({ threads, m }));
        for (const query of rows.slice(0, 3)) {
          const found = index.search(query, rows.length + beyond);
          // Bytes keep little of a direction with one number much larger than the others.
          if (found === undefined) expect(index.record.int8).toBe(true);
          else expect([...found].sort((a, b) => a - b)).toEqual(rows.map((_, row) => row));
        }
        await indexes.remove([index.record.file]);
      }),
      { numRuns: 12 },
    );
  });

  test.each([0, 1, 2])('%i rows', async (rows) => {
    const { indexes } = await newIndexes();
    const vectors = someVectors(rows, 4);
    const { record } = await indexes.build(sourceOf(vectors, 'cosine'), buildOptions());
    const index = await indexes.open(record, { dimensions: 4, distance: 'cosine' });
    expect(record.rows).toBe(rows);
    const found = rowsFrom(index, Float32Array.of(1, 2, 3, 4), 64);
    expect([...found].sort()).toEqual([0, 1].slice(0, rows));
    expect(rowsFrom(index, Float32Array.of(1, 2, 3, 4), 1)).toHaveLength(Math.min(1, rows));
  });
});

describe('extreme vectors give real rows', () => {
  const filled = (count: number, dimensions: number, value: (row: number, at: number) => number) =>
    Array.from({ length: count }, (_, row) =>
      Float32Array.from({ length: dimensions }, (_, at) => value(row, at)),
    );
  const wave = (row: number, at: number) => Math.sin(row * 7.7 + at * (row + 1));
  const kinds: [string, Float32Array[]][] = [
    ['huge', filled(200, 6, (row, at) => 3e38 * wave(row, at))],
    ['tiny', filled(200, 6, (row, at) => 1e-40 * wave(row, at))],
    ['huge and tiny', filled(200, 6, (row, at) => (row % 2 ? 3e38 : 1e-40) * wave(row, at))],
    ['zero', filled(200, 5, () => 0)],
    ['equal', filled(400, 8, () => 0.125)],
    ['of one dimension', filled(200, 1, (row) => row - 100)],
    ['of 65,536 dimensions', filled(12, 65_536, wave)],
  ];

  test.each(kinds)('%s', async (_, vectors) => {
    const { indexes } = await newIndexes();
    for (const distance of ['cosine', 'dot', 'euclid'] as const) {
      const index = await indexes.build(sourceOf(vectors, distance, 64), buildOptions());
      for (const query of [vectors[0], vectors.at(-1)]) {
        const ef = Math.min(64, vectors.length - 1);
        const found = rowsFrom(index, query as Float32Array, ef);
        expect(found.length).toBeGreaterThan(0);
        expect(found.length).toBeLessThanOrEqual(ef);
        expect(distinctRows(found, vectors.length)).toBe(found.length);
        const all = rowsFrom(index, query as Float32Array, vectors.length);
        expect(distinctRows(all, vectors.length)).toBe(vectors.length);
      }
    }
  });

  test('length does not matter to cosine, from the smallest number to the largest', async () => {
    const scales = [1e-40, 1, 3e37];
    const points = someVectors(900, 8);
    const vectors = points.map((vector, row) => vector.map((x) => x * (scales[row % 3] ?? 1)));
    const { indexes } = await newIndexes();
    const index = await indexes.build(sourceOf(vectors, 'cosine'), buildOptions());
    const queries = points.slice(0, 30).map((vector, at) => vector.map((x) => x * (at + 1) * 1e36));
    expect(recall(index, vectors, queries, 'cosine', 64)).toBeGreaterThanOrEqual(0.97);
  });
});

describe('what float32 sums would lose is found', () => {
  /** Points around 10 centres, as near to them as `noise` says, and multiplied. */
  function around(noise: number, factor = 1): Float32Array[] {
    const random = new Random(3);
    const centres = someVectors(10, 32);
    return Array.from({ length: 1020 }, () =>
      random.pick(centres).map((x) => factor * (x + noise * (random.next() - 0.5))),
    );
  }
  test.each<[string, Distance, Float32Array[]]>([
    ['directions that are nearly the same', 'cosine', around(0.004)],
    ['products of small numbers', 'dot', around(1, 1e-5)],
    ['products of huge numbers', 'dot', around(1, 1e30)],
    ['distances of tiny numbers', 'euclid', around(0.1, 1e-30)],
    ['distances of huge numbers', 'euclid', around(0.1, 1e30)],
  ])('%s', async (_, distance, points) => {
    const vectors = points.slice(0, 1000);
    const { indexes } = await newIndexes();
    const { record } = await indexes.build(sourceOf(vectors, distance), buildOptions());
    const index = await indexes.open(record, { dimensions: 32, distance });
    expect(recall(index, vectors, points.slice(1000), distance, 64)).toBeGreaterThan(0.95);
  });

  /** Points around 10 centres, those that `isNear` nearer than the others. */
  function inCrowds(rows: number, noise: number, isNear: (row: number) => boolean) {
    const random = new Random(5);
    const centres = clustered(random, 10, 96);
    return Array.from({ length: rows }, (_, row) => {
      const spread = isNear(row) ? noise : 1;
      return random.pick(centres).map((x) => x + spread * (random.next() - 0.5));
    });
  }

  test.each<[string, number, number, (row: number) => boolean, boolean | undefined]>([
    ['far apart', 3000, 1, () => true, true],
    ['some way apart', 3000, 0.4, () => true, undefined],
    ['near each other', 3000, 0.1, () => true, false],
    ['near each other in every second row', 1550, 0.02, (row) => row % 2 === 0, false],
    ['near each other in one row of twenty', 3000, 0.02, (row) => row % 20 === 0, false],
    ['near each other in one row of a hundred', 12_000, 0.02, (row) => row % 100 < 1, false],
  ])('directions %s', async (_, rows, noise, isNear, isInt8) => {
    const all = inCrowds(rows + 2000, noise, isNear);
    const { indexes } = await newIndexes();
    const vectors = all.slice(0, rows);
    const built = await indexes.build(sourceOf(vectors, 'cosine'), buildOptions());
    if (isInt8 !== undefined) expect(built.record.int8 ?? false).toBe(isInt8);
    const index = await indexes.open(built.record, { dimensions: 96, distance: 'cosine' });
    const queries = all.slice(rows).filter((_, at) => isNear(rows + at));
    expect(recall(index, vectors, queries.slice(0, 60), 'cosine', 64)).toBeGreaterThan(0.95);
  });

  const gelu = (x: number) => x / (1 + Math.exp(-1.7 * x));
  const normal = (random: Random) =>
    Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());

  test.each<[string, number, (random: Random) => number, boolean]>([
    ['that are mostly near 0', 1024, (random) => normal(random) ** 3, false],
    ['that end near 0 on one side', 1536, (random) => gelu(normal(random)), false],
    [
      'of 0 and 1, of which bytes shorten some more than others',
      1024,
      (random) => Number(random.chance(0.25)),
      false,
    ],
    ['as embeddings have', 768, normal, true],
  ])('numbers %s', async (_, dimensions, number, isInt8) => {
    const random = new Random(17);
    const all = Array.from({ length: 1140 }, () =>
      Float32Array.from({ length: dimensions }, () => number(random)),
    );
    const { indexes } = await newIndexes();
    const vectors = all.slice(0, 1100);
    const index = await indexes.build(sourceOf(vectors, 'cosine', 512), buildOptions());
    expect(index.record.int8 ?? false).toBe(isInt8);
    // None of them is left to an exact search.
    for (const query of all.slice(1100)) expect(rowsFrom(index, query, 64)).toHaveLength(64);
  });

  test('equal rows, which no graph tells apart', async () => {
    const vectors = someVectors(1500, 64).map((vector, row, all) =>
      row % 20 === 0 ? (all[0] as Float32Array) : vector,
    );
    const { indexes } = await newIndexes();
    const { record } = await indexes.build(sourceOf(vectors, 'cosine'), buildOptions());
    expect(record.int8).toBe(true);
  });

  test('queries of which bytes keep little are left to an exact search', async () => {
    const random = new Random(9);
    const signs = () => Float32Array.from({ length: 64 }, () => (random.chance(0.5) ? 1 : -1));
    const vectors = Array.from({ length: 3000 }, signs);
    const { indexes } = await newIndexes();
    const index = await indexes.build(sourceOf(vectors, 'cosine'), buildOptions());
    expect(index.record.int8).toBe(true);
    const axis = (size: number, others: number) =>
      Float32Array.from({ length: 64 }, (_, at) =>
        at === 0 ? size : others * (random.next() - 0.5),
      );
    for (const others of [0.01, 0.05]) expect(index.search(axis(5, others), 64)).toBeUndefined();
    expect(index.search(axis(5, 0), 64)).toHaveLength(64);
    const queries = Array.from({ length: 40 }, () => axis(2, 2));
    expect(recall(index, vectors, queries, 'cosine', 128)).toBeGreaterThan(0.8);
  });

  test('zero vectors are at a right angle to all others, not in front of them', async () => {
    const vectors = someVectors(1000).map((vector, row) => (row % 2 ? vector : vector.fill(0)));
    const { indexes } = await newIndexes();
    const index = await indexes.build(sourceOf(vectors, 'cosine'), buildOptions());
    // Far from most, so that what is nearest isn't near.
    const queries = someVectors(20).map((vector) => vector.map((x, at) => (at % 2 ? x : -x)));
    expect(recall(index, vectors, queries, 'cosine', 64)).toBeGreaterThan(0.95);
  });

  test('a query that is far from every row is left to an exact search', async () => {
    const vectors = someVectors(100);
    const { indexes } = await newIndexes();
    const far = Float32Array.from({ length: 16 }, () => 1e6);
    for (const distance of ['cosine', 'dot', 'euclid'] as const) {
      const index = await indexes.build(sourceOf(vectors, distance), buildOptions());
      const isLeft = index.search(far, 10) === undefined;
      expect(isLeft).toBe(distance === 'euclid');
    }
  });
});

// Rough scores may only pass over rows whose exact score is not wanted.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import type { Distance } from 'sluice';
import { describe, expect, test } from 'vitest';
import { dotAt, rowScore, squaredDistanceAt } from '#sluice/services/points/distance.js';
import { roughError } from '#sluice/services/points/rough-scores.js';
import { RoughTest } from '#sluice/services/points/rough-test.js';
import { VectorSlab } from '#sluice/services/points/slab.js';
import { assembled, MODULES } from '../../scripts/assemble.mjs';

const DISTANCES: Distance[] = ['cosine', 'dot', 'euclid'];

/** Of every size that a float32 can have. */
const number = fc.oneof(
  { weight: 4, arbitrary: fc.float({ min: -1, max: 1, noNaN: true }) },
  { weight: 1, arbitrary: fc.float({ noNaN: true, noDefaultInfinity: true }) },
  { weight: 1, arbitrary: fc.constantFrom(0, 1e-45, -3e-40, 2e-23, 3e38, -3e38) },
);

const vectors = fc
  .integer({ min: 1, max: 41 })
  .chain((dimensions) =>
    fc.array(fc.array(number, { minLength: dimensions, maxLength: dimensions }), {
      minLength: 2,
      maxLength: 12,
    }),
  )
  .map((rows) => rows.map((row) => Float32Array.from(row)));

function slabOf(distance: Distance, rows: readonly Float32Array[], copies = 1): VectorSlab {
  const slab = new VectorSlab({ dimensions: rows[0]?.length ?? 1, distance });
  for (let copy = 0; copy < copies; copy += 1) for (const row of rows) slab.append(row);
  return slab;
}

/** Whether a row with this rough score is taken. */
function isTaken(rough: RoughTest, bound: number, score: number, slab: VectorSlab, row: number) {
  const near = new Uint32Array(1);
  const found = rough.select(bound, Float32Array.of(score), 1, row, slab.inverseNorms, near);
  if (found === 1) expect(near[0]).toBe(row);
  return found === 1;
}

describe.each(DISTANCES)('rough scores, %s', (distance) => {
  test('no row that may score so well is passed over', () => {
    fc.assert(
      fc.property(vectors, ([query, ...rows]) => {
        if (query === undefined) return;
        const slab = slabOf(distance, rows);
        const rough = new RoughTest(distance, query);
        const scores = slab.roughScores(rough.measure, query, 0, rows.length);
        const exact = rowScore(distance, query);
        const sign = distance === 'euclid' ? -1 : 1;
        for (const row of rows.keys()) {
          const norm = slab.inverseNorm(row);
          const score = sign * exact(slab.chunkOf(row), slab.offsetOf(row), norm);
          expect(isTaken(rough, score, scores?.[row] ?? Number.NaN, slab, row)).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('rows that are clearly worse are passed over', () => {
    const query = Float32Array.of(1, 0, 0, 0, 0);
    const far = Float32Array.of(0, 1, 0, 0, 0);
    const rough = new RoughTest(distance, query);
    const slab = slabOf(distance, [far]);
    const scores = slab.roughScores(rough.measure, query, 0, 1);
    const bound = distance === 'euclid' ? -1 : 0.5;
    expect(isTaken(rough, bound, scores?.[0] ?? Number.NaN, slab, 0)).toBe(false);
  });
});

describe('the sums themselves', () => {
  test('are what they should be in every chunk, in whatever memory it lies', () => {
    const dimensions = 1031;
    const next = (at: number) => ((at * 7919) % 1000) / 500 - 1;
    const rows = Array.from({ length: 50 }, (_, row) =>
      Float32Array.from({ length: dimensions }, (_, at) => next(row * dimensions + at)),
    );
    const query = Float32Array.from({ length: dimensions }, (_, at) => next(at * 3 + 1));
    const slab = slabOf('dot', rows, 12);
    expect(slab.chunks.length).toBeGreaterThan(8);
    const { relative } = roughError(dimensions);
    for (const measure of ['products', 'squares'] as const) {
      for (let from = 0; from < slab.rows; from += slab.rowsPerChunk) {
        const count = Math.min(slab.rowsPerChunk, slab.rows - from);
        const scores = slab.roughScores(measure, query, from, count)?.slice(0, count);
        expect(scores).toHaveLength(count);
        for (const [at, score] of scores?.entries() ?? []) {
          const chunk = slab.chunkOf(from + at);
          const exact = measure === 'products' ? dotAt : squaredDistanceAt;
          const wanted = exact(query, chunk, slab.offsetOf(from + at));
          expect(Math.abs(score - wanted)).toBeLessThan(relative * dimensions * 4);
        }
      }
    }
  });

  test('of a list of rows are the same, where they lie in one memory', () => {
    const rows = Array.from({ length: 300 }, (_, row) =>
      Float32Array.from({ length: 1031 }, (_, at) => ((row * 7 + at) % 11) - 5),
    );
    const slab = slabOf('euclid', rows);
    const query = Float32Array.from({ length: 1031 }, (_, at) => at % 5);
    // The first chunks lie in buffers of their own.
    expect(slab.roughScoresOf('products', query, Uint32Array.of(1, 299))).toBeUndefined();
    const list = Uint32Array.of(260, 261, 270, 299);
    for (const measure of ['products', 'squares'] as const) {
      const one = (row: number) => slab.roughScores(measure, query, row, 1)?.[0];
      const wanted = Array.from(list, one);
      const scores = slab.roughScoresOf(measure, query, list)?.slice(0, list.length);
      expect(Array.from(scores ?? [])).toEqual(wanted);
    }
  });

  test('begin at any row of a chunk', () => {
    const rows = [1, 2, 3].map((value) => Float32Array.of(value, value));
    const slab = slabOf('dot', rows);
    expect(slab.roughScores('products', Float32Array.of(1, 1), 1, 2)?.slice(0, 2)).toEqual(
      Float32Array.of(4, 6),
    );
  });
});

test.each(MODULES)(
  'the module that is shipped is %s.wat assembled: npm run assemble',
  async (name) => {
    const shipped = readFileSync(`src/services/points/${name}-code.ts`, 'utf8');
    expect(shipped).toBe(await assembled(name));
  },
);

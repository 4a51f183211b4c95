// Rows in int8 may only pass over rows whose exact score is not wanted.
import fc from 'fast-check';
import type { Distance } from 'sluice';
import { describe, expect, test } from 'vitest';
import { rowScore } from '#sluice/services/points/distance.js';
import { QuantizedQuery } from '#sluice/services/points/quantized-query.js';
import { VectorSlab } from '#sluice/services/points/slab.js';
import { Random } from '../support/random.js';
import { openHolder, Writer } from './support/harness.js';

const DISTANCES: Distance[] = ['cosine', 'dot', 'euclid'];

/** Numbers of every size that a float32 can have, alone and mixed. */
const SIZES: readonly ((random: Random) => number)[] = [
  () => 1,
  () => 0,
  () => 1e-45,
  () => 3e-39,
  () => 2e-23,
  () => 2e18,
  () => 3.4e38,
  (random) => 10 ** -random.between(0, 30),
  (random) => (random.chance(0.01) ? 1e6 : 1e-3),
];

function vectorOf(random: Random, dimensions: number): Float32Array {
  const size = random.pick(SIZES);
  return Float32Array.from({ length: dimensions }, () => {
    return (2 * random.next() - 1) * size(random);
  });
}

/** As many copies of the rows as are worth quantizing; `isStored`: as they come from disk. */
function slabOf(distance: Distance, rows: readonly Float32Array[], isStored = false): VectorSlab {
  const slab = new VectorSlab({ dimensions: rows[0]?.length ?? 1, distance });
  const stored = new Uint8Array(Buffer.concat(rows.map((row) => new Uint8Array(row.buffer))));
  while (slab.rows < 8 * slab.rowsPerChunk) {
    if (isStored) slab.takeIn(stored);
    else for (const row of rows) slab.append(row);
  }
  return slab;
}

/** Asks for all rows as often as it takes until all in full chunks are quantized. */
function quantize(slab: VectorSlab, query: QuantizedQuery): number {
  const { rowsPerChunk } = slab;
  const chunks = Math.floor(slab.rows / rowsPerChunk);
  for (let ask = 0; ask < 3 * chunks; ask += 1) {
    slab.quantized.select(query, (ask % chunks) * rowsPerChunk, rowsPerChunk, 0);
  }
  expect(slab.quantized.select(query, 0, 1, 0)).toBeDefined();
  return chunks * rowsPerChunk;
}

function scoresOf(slab: VectorSlab, distance: Distance, query: Float32Array): number[] {
  const exact = rowScore(distance, query);
  return Array.from({ length: slab.rows }, (_, row) =>
    exact(slab.chunkOf(row), slab.offsetOf(row), slab.inverseNorm(row)),
  );
}

describe.each(DISTANCES)('quantized rows, %s', (distance) => {
  const sign = distance === 'euclid' ? -1 : 1;

  test('that may score so well are never passed over', () => {
    const dimensions = fc.constantFrom(33, 128, 515, 1031);
    fc.assert(
      fc.property(dimensions, fc.integer(), fc.boolean(), (dimensions, seed, isStored) => {
        const random = new Random(seed);
        const rows = Array.from({ length: 19 }, () => vectorOf(random, dimensions));
        const query = random.chance(0.3) ? random.pick(rows) : vectorOf(random, dimensions);
        const slab = slabOf(distance, rows, isStored);
        const quantized = new QuantizedQuery(distance, query);
        quantize(slab, quantized);
        const scores = scoresOf(slab, distance, query);
        for (let row = slab.rowsPerChunk - 19; row < slab.rowsPerChunk; row += 1) {
          const bound = sign * (scores[row] ?? 0);
          expect(slab.quantized.select(quantized, row, 1, bound)).toEqual(Uint32Array.of(row));
        }
      }),
      { numRuns: 12 },
    );
  });

  test('are few where it matters, and the same in a list', () => {
    const random = new Random(7);
    const rows = Array.from({ length: 512 }, () =>
      Float32Array.from({ length: 515 }, () => 2 * random.next() - 1),
    );
    const query = rows[100]?.map((value) => value + random.next() / 4) ?? new Float32Array();
    const slab = slabOf(distance, rows);
    const quantized = new QuantizedQuery(distance, query);
    const count = quantize(slab, quantized);
    const bound = (scoresOf(slab, distance, query)[100] ?? 0) * sign;
    const { rowsPerChunk } = slab;
    const selected: number[] = [];
    for (let from = 0; from < count; from += rowsPerChunk) {
      const found = slab.quantized.select(quantized, from, rowsPerChunk, bound);
      selected.push(...(found ?? []));
    }
    expect(selected).toEqual([100]);
    const list = Uint32Array.of(3, 99, 100, 101, count - 1);
    expect(slab.quantized.select(quantized, list, 5, bound)).toEqual(Uint32Array.of(100));
    expect(slab.quantized.select(quantized, list, 5, Number.NEGATIVE_INFINITY)).toEqual(list);
  });

  test('tell which may score best, also of a list', () => {
    const random = new Random(13);
    const rows = Array.from({ length: 512 }, () =>
      Float32Array.from({ length: 130 }, () => 2 * random.next() - 1),
    );
    const query = Float32Array.from({ length: 130 }, () => 2 * random.next() - 1);
    const slab = slabOf(distance, rows);
    const quantized = new QuantizedQuery(distance, query);
    quantize(slab, quantized);
    const scores = scoresOf(slab, distance, query);
    const best = (of: readonly number[], count: number) => {
      const order = of.toSorted((a, b) => sign * ((scores[b] ?? 0) - (scores[a] ?? 0)));
      return order.slice(0, count);
    };
    const all = Array.from({ length: slab.rowsPerChunk }, (_, row) => row);
    const list = all.filter((row) => row % 3 === 1);
    for (const [of, rows] of [
      [all, 0],
      [list, Uint32Array.from(list)],
    ] as const) {
      const likeliest = slab.quantized.likeliest(quantized, rows, of.length, 20) ?? [];
      expect([...likeliest]).toEqual([...likeliest].toSorted((a, b) => a - b));
      expect(likeliest).toHaveLength(20);
      expect([...likeliest]).toEqual(expect.arrayContaining(best(of, 10)));
    }
    expect(slab.quantized.likeliest(quantized, slab.rows - 1, 2, 1)).toBeUndefined();
  });

  test('are made anew where rows were taken back', () => {
    const random = new Random(11);
    const rows = Array.from({ length: 512 }, () => vectorOf(random, 515));
    const slab = slabOf(distance, rows);
    const query = Float32Array.from({ length: 515 }, () => random.next());
    const quantized = new QuantizedQuery(distance, query);
    quantize(slab, quantized);
    const kept = slab.rows - slab.rowsPerChunk - 1;
    slab.truncate(kept);
    const lost = kept - (kept % slab.rowsPerChunk);
    expect(slab.quantized.select(quantized, lost - 1, 1, 0)).toBeDefined();
    expect(slab.quantized.select(quantized, lost, 1, 0)).toBeUndefined();
    while (slab.rows < 8 * slab.rowsPerChunk) slab.append(query);
    quantize(slab, quantized);
    const score = scoresOf(slab, distance, query).at(-1) ?? 0;
    const found = slab.quantized.select(quantized, slab.rows - 3, 3, sign * score);
    expect(Array.from(found ?? [])).toEqual([slab.rows - 3, slab.rows - 2, slab.rows - 1]);
  });

  test('leave the results of searches as they are, to the last bit', async () => {
    const dimensions = 130;
    const random = new Random(23);
    const centres = Array.from({ length: 20 }, () =>
      Float32Array.from({ length: dimensions }, () => 2 * random.next() - 1),
    );
    // Many are equal, so that ids have to tell which of them come first.
    const pool = Array.from({ length: 800 }, () =>
      random.pick(centres).map((value) => value + random.next() / 4),
    );
    const holder = await openHolder(undefined, { distance, dimensions });
    const writer = new Writer(holder);
    const current = new Map<number, { vector: Float32Array; group: number }>();
    const upsert = (ids: number[]) => {
      const points = ids.map((id) => ({ id, vector: random.pick(pool), group: id % 50 }));
      const vectors = Float32Array.from(points.flatMap(({ vector }) => Array.from(vector)));
      // A payload may hold a number twice.
      const payloads = points.map(({ group }) => ({ group: group % 2 ? group : [group, group] }));
      writer.apply({ kind: 'upsert', ids, vectors, payloads });
      for (const point of points) current.set(point.id, point);
    };
    const range = (from: number, count: number) =>
      Array.from({ length: count }, (_, at) => from + at);
    writer.apply({ kind: 'createPayloadIndex', key: 'group', type: 'integer' });
    for (let from = 0; from < 2500; from += 250) upsert(range(from, 250));
    for (let round = 0; round < 6; round += 1) {
      const query = random.pick(pool).map((value) => value + random.next() / 10);
      const exact = rowScore(distance, query);
      const scored = Array.from(current, ([id, { vector, group }]) => {
        const norm = 1 / Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
        return { id, group, score: exact(vector, 0, norm) };
      }).sort((a, b) => sign * (b.score - a.score) || a.id - b.id);
      const hit = ({ id, score }: { id: number | string; score: number }) => ({ id, score });
      const found = await holder.search(query, { limit: 12, exact: true });
      expect(found.map(hit)).toEqual(scored.slice(0, 12).map(hit));
      const filter = { must: [{ key: 'group', match: { value: round } }] };
      const some = await holder.search(query, { limit: 12, filter });
      const inGroup = scored.filter(({ group }) => group === round);
      expect(some.map(hit)).toEqual(inGroup.slice(0, 12).map(hit));
      upsert(range(round * 100, 60));
      writer.delete(range(2000 + round * 10, 10));
      for (const id of range(2000 + round * 10, 10)) current.delete(id);
    }
  });
});

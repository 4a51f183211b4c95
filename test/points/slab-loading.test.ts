// A slab that took in stored vectors shows the same as one to which they were appended.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '#sluice/services/clock.js';
import { Pace } from '#sluice/services/points/pace.js';
import { VectorSlab } from '#sluice/services/points/slab.js';

/** So many that a chunk has eight rows. */
const DIMENSIONS = 8192;
const ROWS_MAX = 60;

const vectors = Array.from({ length: ROWS_MAX }, (_, row) =>
  Float32Array.from({ length: DIMENSIONS }, (_, at) => (row === 7 ? 0 : Math.sin(row * 31 + at))),
);
const query = Float32Array.from({ length: DIMENSIONS }, (_, at) => Math.cos(at));

/** Their bytes, which are little-endian on all machines that there are. */
function stored(rows: readonly Float32Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(rows.map((row) => new Uint8Array(row.buffer))));
}

/** Both have the same rows; in blocks of these sizes, some of which are appended. */
function twins(blocks: readonly { rows: number; isStored: boolean }[]) {
  const loaded = new VectorSlab({ dimensions: DIMENSIONS, distance: 'cosine' });
  const plain = new VectorSlab({ dimensions: DIMENSIONS, distance: 'cosine' });
  for (const { rows, isStored } of blocks) {
    const next = vectors.slice(plain.rows, plain.rows + rows);
    for (const vector of next) plain.append(vector);
    if (isStored) loaded.takeIn(stored(next));
    else
      loaded.append(
        new Float32Array(Buffer.concat(next.map(({ buffer }) => new Uint8Array(buffer))).buffer),
      );
  }
  return { loaded, plain };
}

/** Tells arrays apart, much faster than a comparison of their numbers. */
function digest(numbers: Float32Array | readonly number[] | undefined): string {
  const hash = createHash('sha1');
  if (numbers !== undefined) hash.update(new Uint8Array(Float64Array.from(numbers).buffer));
  return hash.digest('hex');
}

/** Each way to look at rows, begun at one of them. */
const LOOKS: Record<string, (slab: VectorSlab, row: number) => unknown> = {
  at: (slab, row) => digest(slab.at(row)),
  norm: (slab, row) => {
    slab.chunkOf(row);
    return slab.inverseNorm(row);
  },
  copyTo: (slab, row) => {
    const [from, to] = [row >> 1, Math.max(row, slab.rows - 3)];
    const copy = new Float32Array((to - from) * DIMENSIONS);
    slab.copyTo(copy, from, to);
    return digest(copy);
  },
  chunks: (slab, row) => digest(slab.chunks[Math.floor(row / slab.rowsPerChunk)]),
  scores: (slab, row) => {
    const from = row - (row % slab.rowsPerChunk);
    const count = Math.min(slab.rowsPerChunk, slab.rows - from);
    const scores = slab.roughScores('products', query, from, count)?.slice(0, count);
    return { scores: digest(scores), norms: slab.inverseNorms.slice(from, from + count) };
  },
  scoresOf: (slab, row) => {
    const rows = Uint32Array.of(row, slab.rows - 1).slice(row === slab.rows - 1 ? 1 : 0);
    return digest(slab.roughScoresOf('squares', query, rows)?.slice(0, rows.length));
  },
};

const block = fc.record({ rows: fc.integer({ min: 1, max: 20 }), isStored: fc.boolean() });
const look = fc.record({ how: fc.constantFrom(...Object.keys(LOOKS)), where: fc.nat(999) });

describe('a slab that took in stored vectors', () => {
  it('shows the same as one to which they were appended, wherever somebody looks', () => {
    fc.assert(
      fc.property(
        fc.array(block, { minLength: 1, maxLength: 3 }),
        fc.array(look, { maxLength: 8 }),
        fc.option(fc.nat(999), { nil: undefined }),
        (blocks, looks, keep) => {
          const { loaded, plain } = twins(blocks);
          for (const slab of keep === undefined ? [] : [loaded, plain]) {
            slab.truncate(1 + ((keep ?? 0) % slab.rows));
            slab.append(query);
          }
          expect(loaded.rows).toBe(plain.rows);
          for (const { how, where } of looks) {
            const row = where % plain.rows;
            expect(LOOKS[how]?.(loaded, row)).toEqual(LOOKS[how]?.(plain, row));
          }
          expect(loaded.chunks.map(digest)).toEqual(plain.chunks.map(digest));
          expect(loaded.inverseNorms).toEqual(plain.inverseNorms);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('has all of them in their places when it has settled', async () => {
    const { loaded, plain } = twins([{ rows: ROWS_MAX, isStored: true }]);
    expect(loaded.inverseNorms.every((norm) => norm === 0)).toBe(true);
    await loaded.settle(new Pace(systemClock));
    expect(loaded.inverseNorms).toEqual(plain.inverseNorms);
    expect(digest(loaded.at(ROWS_MAX - 1))).toBe(digest(vectors.at(-1)));
  });
});

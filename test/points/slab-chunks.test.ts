import { describe, expect, it } from 'vitest';
import { VectorSlab } from '#sluice/services/points/slab.js';

describe('the chunks of a slab', () => {
  it.each([
    [1, 1024],
    [2, 1024],
    [63, 1024],
    [64, 1024],
    [65, 512],
    [128, 512],
    [100_000, 1],
  ])('of %i dimensions have %i rows', (dimensions, rows) => {
    expect(new VectorSlab({ dimensions, distance: 'dot' }).rowsPerChunk).toBe(rows);
  });

  it('are found again, in buffers of their own and beyond them', () => {
    const slab = new VectorSlab({ dimensions: 2, distance: 'euclid' });
    const rows = 140_000;
    const vectors = Float32Array.from({ length: 2 * rows }, (_, at) => at);
    slab.append(vectors);
    for (const row of [0, 1023, 1024, 131_071, 131_072, rows - 1]) {
      const from = slab.offsetOf(row);
      expect([...slab.chunkOf(row).subarray(from, from + 2)]).toEqual([2 * row, 2 * row + 1]);
    }
    expect(slab.chunks.length).toBe(Math.ceil(rows / 1024));
    // 1 MiB in buffers of their own, the rest together.
    const own = slab.chunks.filter(({ buffer, byteLength }) => buffer.byteLength === byteLength);
    expect(own).toHaveLength(128);
  });
});

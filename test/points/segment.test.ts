import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePayload } from '#sluice/services/points/payload-text.js';
import { Segment } from '#sluice/services/points/segment.js';
import { VectorSlab } from '#sluice/services/points/slab.js';

const shape = { dimensions: 3, distance: 'cosine' } as const;

describe('a slab of vectors', () => {
  it('keeps rows apart across chunks, in shared memory', () => {
    const slab = new VectorSlab({ dimensions: 40_000, distance: 'dot' });
    expect(slab.rowsPerChunk).toBe(1);
    for (const value of [1, 2, 3]) slab.append(new Float32Array(40_000).fill(value));
    expect([0, 1, 2].map((row) => slab.at(row)[39_999])).toEqual([1, 2, 3]);
    expect(slab.chunks).toHaveLength(3);
    expect(slab.chunks.every(({ buffer }) => buffer instanceof SharedArrayBuffer)).toBe(true);
  });

  it('has whole chunks of a power of two of rows', () => {
    const slab = new VectorSlab(shape);
    slab.allocate(slab.rowsPerChunk + 1);
    expect(Math.log2(slab.rowsPerChunk) % 1).toBe(0);
    expect(slab.chunks.map((chunk) => chunk.byteLength)).toEqual(
      Array(2).fill(slab.rowsPerChunk * 3 * 4),
    );
  });

  it('gives 0 as the inverse norm of a zero vector', () => {
    const slab = new VectorSlab(shape);
    slab.append(Float32Array.of(0, 0, 0));
    slab.append(Float32Array.of(0, 3, 4));
    expect([slab.inverseNorm(0), slab.inverseNorm(1)]).toEqual([0, 0.2]);
  });

  it('reuses rows that were taken back', () => {
    const slab = new VectorSlab(shape);
    slab.append(Float32Array.of(1, 0, 0));
    slab.append(Float32Array.of(2, 0, 0));
    slab.truncate(1);
    slab.append(Float32Array.of(0, 0, 4));
    expect(slab.rows).toBe(2);
    expect([...slab.at(1)]).toEqual([0, 0, 4]);
    expect(slab.inverseNorm(1)).toBe(0.25);
  });
});

/** Everything there is to see of a segment. */
function picture(segment: Segment) {
  const { rows, live, ids, insertedAt, deletedAt, stamps, opNumMax } = segment;
  const vectors = ids.map((_, row) => [...segment.slab.at(row)]);
  const payloads = ids.map((_, row) => segment.payloads.read(row));
  const liveRows = [...segment.liveRows()].sort((a, b) => a - b);
  const columns = { ids, payloads, insertedAt, deletedAt, stamps };
  return structuredClone({ rows, live, opNumMax, vectors, liveRows, ...columns });
}

function write(segment: Segment, id: number, opNum: number, isDelete: boolean) {
  const old = segment.rowOf(id);
  if (old !== undefined) segment.stamp(old, opNum);
  if (isDelete) return;
  const row = { id, payload: encodePayload({ opNum }), insertedAt: opNum };
  segment.append(row, Float32Array.of(id, opNum, 0));
}

describe('a segment', () => {
  const writes = fc.array(fc.record({ id: fc.nat(5), isDelete: fc.boolean() }));

  it('goes back to a mark as if nothing had been written since', () => {
    fc.assert(
      fc.property(writes, writes, (before, after) => {
        const segment = new Segment(0, shape);
        for (const [op, { id, isDelete }] of before.entries()) write(segment, id, op + 1, isDelete);
        const expected = picture(segment);
        const mark = segment.mark();
        for (const { id, isDelete } of after) write(segment, id, 1000, isDelete);
        segment.restore(mark);
        expect(picture(segment)).toEqual(expected);
      }),
    );
  });

  it('shows each version what was live then', () => {
    fc.assert(
      fc.property(writes, (all) => {
        const segment = new Segment(0, shape);
        const model = new Map<number, number>();
        const versions = [new Map(model)];
        for (const [index, { id, isDelete }] of all.entries()) {
          write(segment, id, index + 1, isDelete);
          if (isDelete) model.delete(id);
          else model.set(id, index + 1);
          versions.push(new Map(model));
        }
        for (const [version, expected] of versions.entries()) {
          const rows = segment.ids.map((_, row) => row);
          const visible = rows.filter((row) => segment.isVisible(row, version));
          const seen = visible.map((row) => [segment.ids[row], segment.insertedAt[row]] as const);
          expect(seen).toHaveLength(expected.size);
          expect(new Map(seen)).toEqual(expected);
        }
      }),
    );
  });

  it('takes stamps but no rows while it is frozen', () => {
    const segment = new Segment(0, shape);
    write(segment, 1, 1, false);
    segment.frozen = true;
    expect(() => write(segment, 2, 2, false)).toThrow('takes rows');
    write(segment, 1, 3, true);
    expect(segment.live).toBe(0);
  });
});

import type { Distance } from '../../types.js';
import { QuantizedQuery } from './quantized-query.js';
import { RoughTest } from './rough-test.js';
import type { VectorSlab } from './slab.js';

/** When quantized rows leave a larger share, scores in single precision leave fewer. */
const SHARE_MAX = 1 / 4;

/**
 * Finds among many rows those that may be near enough to be scored exactly, which takes much longer
 * than to look at their quantized vectors, or at all of their numbers in single precision.
 */
export class NearRows {
  readonly #quantized: QuantizedQuery;
  readonly #roughTest: RoughTest;
  readonly #query: Float32Array;
  #room = new Uint32Array(0);

  constructor(distance: Distance, query: Float32Array) {
    this.#quantized = new QuantizedQuery(distance, query);
    this.#roughTest = new RoughTest(distance, query);
    this.#query = query;
  }

  /**
   * Those of `count` rows of a slab whose exact score may be `bound` or better, where better is
   * higher, a distance counting as its negative. `rows` lists them, ascending, no more than a chunk
   * has, or is the first of rows that follow each other in one chunk. The result is overwritten by
   * the next call.
   */
  among(slab: VectorSlab, rows: Uint32Array | number, count: number, bound: number): Uint32Array {
    // Nothing is known yet that could rule out a row.
    if (bound === Number.NEGATIVE_INFINITY) return this.#all(rows, count);
    const near = slab.quantized.select(this.#quantized, rows, count, bound);
    if (near !== undefined && near.length <= count * SHARE_MAX) return near;
    const { measure } = this.#roughTest;
    const rough =
      typeof rows === 'number'
        ? slab.roughScores(measure, this.#query, rows, count)
        : slab.roughScoresOf(measure, this.#query, rows);
    if (rough === undefined) return near ?? this.#all(rows, count);
    const room = this.#roomFor(count);
    const found = this.#roughTest.select(bound, rough, count, rows, slab.inverseNorms, room);
    return room.subarray(0, found);
  }

  /**
   * The `wanted` rows, or a few more, that may score best, where their quantized vectors can tell.
   * The rows as for `among`.
   */
  likeliest(
    slab: VectorSlab,
    rows: Uint32Array | number,
    count: number,
    wanted: number,
  ): Uint32Array | undefined {
    if (wanted > count / 2) return undefined;
    return slab.quantized.likeliest(this.#quantized, rows, count, wanted);
  }

  #all(rows: Uint32Array | number, count: number): Uint32Array {
    if (typeof rows !== 'number') return rows;
    const all = this.#roomFor(count);
    for (let at = 0; at < count; at += 1) all[at] = rows + at;
    return all.subarray(0, count);
  }

  #roomFor(count: number): Uint32Array {
    if (this.#room.length < count) this.#room = new Uint32Array(count);
    return this.#room;
  }
}

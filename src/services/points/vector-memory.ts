import { assert } from '../../errors.js';
import { ROUGH_SCORES_CODE } from './rough-scores-code.js';
import { moduleOf, WasmMemory } from './wasm-memory.js';

const F32_BYTES = Float32Array.BYTES_PER_ELEMENT;

/** What is computed for each vector: its product with the query, or the squared distance to it. */
export type RoughMeasure = 'products' | 'squares';

/** See rough-scores.wat. */
type Kernel = (
  query: number,
  from: number,
  count: number,
  bytes: number,
  to: number,
  rows: number,
) => void;

/**
 * Shared memory for vectors of one number of dimensions, in which WebAssembly's vector instructions
 * compute single-precision products and squared distances of many vectors at once, about ten times
 * as fast as one by one. How far they may be from the exact ones, see `roughError`.
 */
export class VectorMemory {
  readonly #memory: WasmMemory;
  readonly #dimensions: number;
  readonly #query: Float32Array;
  readonly #results: Float32Array;
  readonly #rows: Uint32Array;
  #kernels: Record<RoughMeasure, Kernel> | undefined;

  private constructor(memory: WasmMemory, dimensions: number, resultsMax: number) {
    this.#memory = memory;
    this.#dimensions = dimensions;
    this.#query = new Float32Array(memory.buffer, 0, dimensions);
    this.#results = new Float32Array(memory.buffer, dimensions * F32_BYTES, resultsMax);
    const rowsAt = (dimensions + resultsMax) * F32_BYTES;
    this.#rows = new Uint32Array(memory.buffer, rowsAt, resultsMax);
  }

  /**
   * For calls with at most `resultsMax` vectors. Undefined where there is no `WasmMemory` to be had:
   * vectors then lie elsewhere.
   */
  static create(dimensions: number, resultsMax: number): VectorMemory | undefined {
    const memory = WasmMemory.create((dimensions + 2 * resultsMax) * F32_BYTES);
    return memory && new VectorMemory(memory, dimensions, resultsMax);
  }

  /** Room for so many vectors; undefined when it is full. Throws as `WasmMemory.add`. */
  add(count: number): Float32Array | undefined {
    const length = count * this.#dimensions;
    const begin = this.#memory.add(length * F32_BYTES);
    return begin === undefined ? undefined : new Float32Array(this.#memory.buffer, begin, length);
  }

  /**
   * One number for each of the first `count` vectors of `vectors`, which lies in this memory. The
   * result is overwritten by the next call.
   */
  rough(
    measure: RoughMeasure,
    query: Float32Array,
    vectors: Float32Array,
    count: number,
  ): Float32Array {
    assert(count * this.#dimensions <= vectors.length, 'there are as many vectors as asked for');
    return this.#score(measure, query, vectors.byteOffset, count, 0);
  }

  /**
   * As `rough`, of the vectors with these numbers, at most `resultsMax`, in this memory: the one
   * with the number 0 would begin at the byte `from`, which may be negative.
   */
  roughOf(
    measure: RoughMeasure,
    query: Float32Array,
    from: number,
    rows: Uint32Array,
  ): Float32Array {
    this.#rows.set(rows);
    return this.#score(measure, query, from, rows.length, this.#rows.byteOffset);
  }

  #score(
    measure: RoughMeasure,
    query: Float32Array,
    from: number,
    count: number,
    rows: number,
  ): Float32Array {
    this.#kernels ??= kernelsIn(this.#memory);
    this.#query.set(query);
    const bytes = this.#dimensions * F32_BYTES;
    this.#kernels[measure](0, from, count, bytes, bytes, rows);
    return this.#results;
  }
}

let compiled: WebAssembly.Module | undefined;

function kernelsIn(memory: WasmMemory): Record<RoughMeasure, Kernel> {
  compiled ??= moduleOf(ROUGH_SCORES_CODE);
  const { products, squares } = memory.run(compiled);
  assert(typeof products === 'function' && typeof squares === 'function', 'the module is whole');
  return { products: products as Kernel, squares: squares as Kernel };
}

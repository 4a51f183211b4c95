import { assert } from '../../errors.js';
import { ROUGH_SCORES_CODE } from './rough-scores-code.js';

const PAGE_BYTES = 64 * 1024;
/** 4 GiB, of which what is not used takes address space alone. */
const PAGES_MAX = 65_536;
/** Memory is taken from the system in steps of 1 MiB. */
const GROWTH_PAGES = 16;
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
  readonly #memory: WebAssembly.Memory;
  readonly #dimensions: number;
  readonly #query: Float32Array;
  readonly #results: Float32Array;
  readonly #rows: Uint32Array;
  #kernels: Record<RoughMeasure, Kernel> | undefined;
  #usedBytes: number;

  private constructor(memory: WebAssembly.Memory, dimensions: number, resultsMax: number) {
    this.#memory = memory;
    this.#dimensions = dimensions;
    this.#usedBytes = (dimensions + 2 * resultsMax) * F32_BYTES;
    this.#reserve(0);
    this.#query = new Float32Array(memory.buffer, 0, dimensions);
    this.#results = new Float32Array(memory.buffer, dimensions * F32_BYTES, resultsMax);
    const rowsAt = (dimensions + resultsMax) * F32_BYTES;
    this.#rows = new Uint32Array(memory.buffer, rowsAt, resultsMax);
  }

  /**
   * For calls with at most `resultsMax` vectors. Undefined when there is no WebAssembly
   * (`node --jitless`), or no address space left: vectors then lie elsewhere.
   */
  static create(dimensions: number, resultsMax: number): VectorMemory | undefined {
    if (typeof WebAssembly === 'undefined') return undefined;
    try {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: PAGES_MAX, shared: true });
      return new VectorMemory(memory, dimensions, resultsMax);
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  /**
   * Room for so many vectors; undefined when the 4 GiB are full. Throws a `RangeError` when the
   * machine has no memory.
   */
  add(count: number): Float32Array | undefined {
    const length = count * this.#dimensions;
    const begin = this.#usedBytes;
    if (begin + length * F32_BYTES > PAGES_MAX * PAGE_BYTES) return undefined;
    this.#reserve(length * F32_BYTES);
    this.#usedBytes += length * F32_BYTES;
    return new Float32Array(this.#memory.buffer, begin, length);
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

  #reserve(bytes: number): void {
    const lacking = this.#usedBytes + bytes - this.#memory.buffer.byteLength;
    if (lacking <= 0) return;
    const pages = Math.ceil(lacking / PAGE_BYTES);
    const most = PAGES_MAX - this.#memory.buffer.byteLength / PAGE_BYTES;
    this.#memory.grow(Math.max(pages, Math.min(GROWTH_PAGES, most)));
  }
}

let compiled: WebAssembly.Module | undefined;

function kernelsIn(memory: WebAssembly.Memory): Record<RoughMeasure, Kernel> {
  compiled ??= new WebAssembly.Module(bytesOf(ROUGH_SCORES_CODE));
  const { products, squares } = new WebAssembly.Instance(compiled, { vectors: { memory } }).exports;
  assert(typeof products === 'function' && typeof squares === 'function', 'the module is whole');
  return { products: products as Kernel, squares: squares as Kernel };
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

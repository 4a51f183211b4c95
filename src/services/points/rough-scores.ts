import { readFileSync } from 'node:fs';
import { assert } from '../../errors.js';

const PAGE_BYTES = 64 * 1024;
const F32_BYTES = Float32Array.BYTES_PER_ELEMENT;

interface Exports {
  memory: WebAssembly.Memory;
  products: Kernel;
  squares: Kernel;
}

type Kernel = (query: number, from: number, count: number, bytes: number, to: number) => void;

/** What is computed for each vector: its product with the query, or the squared distance to it. */
export type RoughMeasure = 'products' | 'squares';

/**
 * Single-precision products and squared distances of many vectors at once, by WebAssembly's vector
 * instructions: about ten times as fast as one by one. How far they may be from the exact ones, see
 * `roughError`.
 */
export class RoughScores {
  readonly #exports: Exports;
  #floats: Float32Array;

  constructor(exports: Exports) {
    this.#exports = exports;
    this.#floats = new Float32Array(exports.memory.buffer);
  }

  /**
   * One number for each of the first `count` vectors of `vectors`, which have as many dimensions as
   * the query. The result is overwritten by the next call.
   */
  of(
    measure: RoughMeasure,
    query: Float32Array,
    vectors: Float32Array,
    count: number,
  ): Float32Array {
    const dimensions = query.length;
    assert(count * dimensions <= vectors.length, 'there are as many vectors as are asked for');
    const from = dimensions;
    const to = from + count * dimensions;
    this.#reserve(to + count);
    this.#floats.set(query, 0);
    this.#floats.set(vectors.subarray(0, count * dimensions), from);
    const bytes = dimensions * F32_BYTES;
    this.#exports[measure](0, from * F32_BYTES, count, bytes, to * F32_BYTES);
    return this.#floats.subarray(to, to + count);
  }

  #reserve(floats: number): void {
    const lacking = floats - this.#floats.length;
    if (lacking <= 0) return;
    this.#exports.memory.grow(Math.ceil((lacking * F32_BYTES) / PAGE_BYTES));
    this.#floats = new Float32Array(this.#exports.memory.buffer);
  }
}

let shared: RoughScores | undefined;

/** The one of this thread; undefined where there is no WebAssembly (`node --jitless`). */
export function roughScores(): RoughScores | undefined {
  if (typeof WebAssembly === 'undefined') return undefined;
  shared ??= new RoughScores(load());
  return shared;
}

function load(): Exports {
  const code = readFileSync(new URL('./rough-scores.wasm', import.meta.url));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code));
  return exports as unknown as Exports;
}

/** Half a unit in the last place of a float32 number of size 1, twice: with room to spare. */
const STEP = 2 ** -23;
/** The smallest float32 number above 0: what a product loses when it is too small for one. */
const SMALLEST = 2 ** -149;

/**
 * How far the rough sum of `dimensions` terms may be from the exact one: `relative` of the sum of
 * the terms' sizes, and `absolute` besides, as terms may be too small for a float32. Sums that are
 * no finite numbers say nothing. (The usual bound for recursive summation, doubled: N. J. Higham,
 * Accuracy and Stability of Numerical Algorithms, 2nd ed., section 4.2.)
 */
export function roughError(dimensions: number): { relative: number; absolute: number } {
  const terms = dimensions + 8;
  return { relative: terms * STEP, absolute: terms * SMALLEST * 2 };
}

import { assert } from '../../errors.js';
import type { Distance } from '../../types.js';
import { inverseNormAt } from './distance.js';
import { paddedLength, type QuantizedQuery, queryError } from './quantized-query.js';
import { QUANTIZED_ROWS_CODE } from './quantized-rows-code.js';
import { roughError } from './rough-scores.js';
import type { VectorSlab } from './slab.js';
import { moduleOf, WasmMemory } from './wasm-memory.js';

/** Of vectors with fewer numbers a quantized one takes about as many bytes. */
const DIMENSIONS_MIN = 32;
/** The numbers of a query with more dimensions have too few digits to rule out much. */
const DIMENSIONS_MAX = 8192;
/** Slabs with fewer chunks are looked through quickly enough. */
const CHUNKS_MIN = 8;
/** What a row begins with: see quantized-rows.wat. */
const HEADER_BYTES = 16;

/** Sums of squares of vectors with other scales may be too small or too large for a float32. */
const SCALE_MIN = 2 ** -48;
const SCALE_MAX = 2 ** 40;
/**
 * More than else is lost, relative to the length of a vector: when its scale becomes a float32, and
 * by all rounding of doubles, that of exact scores too.
 */
const ROUNDING = 2 ** -21;
/** More than an error loses when it becomes a float32. */
const ERROR_ROUNDING = { relative: 2 ** -22, absolute: 2 ** -148 };

/** See quantized-rows.wat. */
interface Kernels {
  select(
    query: number,
    base: number,
    stride: number,
    first: number,
    rows: number,
    count: number,
    to: number,
    scale: number,
    norm: number,
    bound: number,
    bests: number,
  ): number;
  quantize(
    from: number,
    count: number,
    bytes: number,
    to: number,
    stride: number,
    vector: number,
    end: number,
  ): void;
}

/** Where things lie. */
interface Workspace {
  readonly memory: WasmMemory;
  readonly kernels: Kernels;
  /** For the vectors of a chunk. */
  readonly vectors: Float32Array;
  /** For one of them, padded with zeros. */
  readonly vector: Float32Array;
  readonly query: Int16Array;
  readonly list: Uint32Array;
  readonly found: Uint32Array;
  /** What the products of the rows looked at may be at most. */
  readonly bests: Float64Array;
  /** Row 0 begins here. */
  readonly base: number;
}

/**
 * The rows of a slab's first chunks in a quarter of the bytes, from which WebAssembly tells which
 * may be near enough to a query. Each row has a scale of its own, and knows how far it is from the
 * vector that it stands for, so that none is passed over by mistake. They are made when as many rows
 * have been asked for as the slab has: a single look at all of them costs less without.
 */
export class QuantizedRows {
  readonly #slab: VectorSlab;
  readonly #distance: Distance;
  readonly #stride: number;
  /** Undefined before it is needed, null where there is none to be had. */
  #workspace: Workspace | null | undefined;
  /** Rows that there is memory for. */
  #room = 0;
  /** Rows that are quantized: those of the first so many chunks. */
  #rows = 0;
  #asked = 0;

  constructor(slab: VectorSlab, distance: Distance) {
    this.#slab = slab;
    this.#distance = distance;
    this.#stride = HEADER_BYTES + paddedLength(slab.dimensions);
  }

  /** Rows from this one on are not quantized. */
  get rows(): number {
    return this.#rows;
  }

  /**
   * Those of `count` rows whose exact score may be `bound` or better, where a distance counts as
   * its negative. `rows` lists them, ascending, or is the first of rows that follow each other; at
   * most as many as a chunk has. The result is overwritten by the next call. Undefined when they
   * aren't quantized.
   */
  select(
    query: QuantizedQuery,
    rows: Uint32Array | number,
    count: number,
    bound: number,
  ): Uint32Array | undefined {
    const workspace = this.#workspaceFor(rows, count);
    return workspace && this.#run(workspace, query, rows, count, bound, 0);
  }

  /** As `select`, but those `wanted` that may score best, or more if they are equal; to be kept. */
  likeliest(
    query: QuantizedQuery,
    rows: Uint32Array | number,
    count: number,
    wanted: number,
  ): Uint32Array | undefined {
    const workspace = this.#workspaceFor(rows, count);
    if (workspace === undefined) return undefined;
    const bests = workspace.bests.subarray(0, count);
    const any = Number.NEGATIVE_INFINITY;
    const all = this.#run(workspace, query, rows, count, any, bests.byteOffset);
    const least = nthLargest(bests, wanted);
    let taken = 0;
    for (let at = 0; at < count; at += 1) {
      if ((bests[at] as number) < least) continue;
      all[taken] = all[at] as number;
      taken += 1;
    }
    return all.slice(0, taken);
  }

  /** Forgets the rows from `rows` on. */
  truncate(rows: number): void {
    this.#rows = Math.min(this.#rows, rows - (rows % this.#slab.rowsPerChunk));
  }

  /** Undefined when rows aren't quantized. */
  #workspaceFor(rows: Uint32Array | number, count: number): Workspace | undefined {
    const last = typeof rows === 'number' ? rows + count - 1 : (rows[count - 1] ?? 0);
    if (last >= this.#rows) this.#askFor(count);
    return last < this.#rows ? (this.#workspace ?? undefined) : undefined;
  }

  #run(
    { kernels, query: codes, list, found, base }: Workspace,
    query: QuantizedQuery,
    rows: Uint32Array | number,
    count: number,
    bound: number,
    bests: number,
  ): Uint32Array {
    const isList = typeof rows !== 'number';
    codes.set(query.codes);
    if (isList) list.set(rows);
    const selected = kernels.select(
      codes.byteOffset,
      base,
      this.#stride,
      isList ? 0 : rows,
      isList ? list.byteOffset : 0,
      count,
      found.byteOffset,
      query.scale,
      query.norm,
      query.productBound(bound),
      bests,
    );
    return found.subarray(0, selected);
  }

  /** Quantizes a chunk when it is worth it. */
  #askFor(count: number): void {
    const { rows, rowsPerChunk, dimensions } = this.#slab;
    this.#asked += count;
    if (this.#asked <= rows || this.#rows + rowsPerChunk > rows) return;
    const isApt = dimensions >= DIMENSIONS_MIN && dimensions <= DIMENSIONS_MAX;
    if (!isApt || rows < CHUNKS_MIN * rowsPerChunk) return;
    if (this.#workspace === undefined) {
      this.#workspace = createWorkspace(dimensions, rowsPerChunk) ?? null;
    }
    if (this.#workspace && this.#makeRoom(this.#workspace)) this.#quantizeChunk(this.#workspace);
  }

  /** Makes room for the next chunk; false when there is no memory for it. */
  #makeRoom({ memory }: Workspace): boolean {
    const { rowsPerChunk } = this.#slab;
    if (this.#rows < this.#room) return true;
    try {
      if (memory.add(rowsPerChunk * this.#stride) === undefined) return false;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
    this.#room += rowsPerChunk;
    return true;
  }

  #quantizeChunk({ memory, kernels, vectors, vector, base }: Workspace): void {
    const { rowsPerChunk, dimensions } = this.#slab;
    const stride = this.#stride;
    const bytes = dimensions * Float32Array.BYTES_PER_ELEMENT;
    const to = base + this.#rows * stride;
    const end = vector.byteOffset + vector.byteLength;
    vectors.set(this.#slab.wholeChunkOf(this.#rows));
    const from = vectors.byteOffset;
    kernels.quantize(from, rowsPerChunk, bytes, to, stride, vector.byteOffset, end);
    const view = new DataView(memory.buffer, to, rowsPerChunk * stride);
    for (let at = 0; at < rowsPerChunk; at += 1) this.#finish(this.#rows + at, view, at * stride);
    this.#rows += rowsPerChunk;
  }

  /** Turns what `quantize` has left before a row's numbers into the row's header. */
  #finish(row: number, view: DataView, at: number): void {
    const slab = this.#slab;
    const scale = view.getFloat32(at, true);
    const isUsed = scale >= SCALE_MIN && scale <= SCALE_MAX;
    const { relative } = roughError(paddedLength(slab.dimensions));
    const square = isUsed
      ? view.getFloat32(at + 8, true)
      : squareAt(slab.chunkOf(row), slab.offsetOf(row), slab.dimensions);
    const length = Math.sqrt(square * (1 + relative));
    const lost = isUsed ? Math.sqrt(view.getFloat32(at + 4, true) * (1 + relative)) : length;
    // |q·v - q'·v'| ≤ |q|·|v - v'| + |q - q'|·|v'| for the quantized q' and v'.
    const error = lost + (queryError(slab.dimensions) + ROUNDING) * (length + lost);
    // For cosine, of the vector's direction.
    const factor = this.#distance === 'cosine' ? slab.inverseNorm(row) : 1;
    const { relative: rounding, absolute } = ERROR_ROUNDING;
    view.setFloat32(at, isUsed ? scale * factor : 0, true);
    view.setFloat32(at + 4, error * factor * (1 + rounding) + absolute, true);
    const subtrahend = this.#distance === 'euclid' ? (square / 2) * (1 - relative) : 0;
    view.setFloat64(at + 8, subtrahend, true);
  }
}

function squareAt(vectors: Float32Array, offset: number, dimensions: number): number {
  const inverseNorm = inverseNormAt(vectors, offset, dimensions);
  return inverseNorm === 0 ? 0 : inverseNorm ** -2;
}

/** The last of the `count` largest numbers. */
function nthLargest(numbers: Float64Array, count: number): number {
  const largest = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
  for (let next = 0; next < numbers.length; next += 1) {
    const number = numbers[next] as number;
    if (!(number > (largest[count - 1] as number))) continue;
    let at = count - 1;
    for (; at > 0 && number > (largest[at - 1] as number); at -= 1) {
      largest[at] = largest[at - 1] as number;
    }
    largest[at] = number;
  }
  return largest[count - 1] as number;
}

let compiled: WebAssembly.Module | undefined;

function createWorkspace(dimensions: number, rowsMax: number): Workspace | undefined {
  const padded = paddedLength(dimensions);
  const vectorAt = rowsMax * dimensions * Float32Array.BYTES_PER_ELEMENT;
  const queryAt = vectorAt + padded * Float32Array.BYTES_PER_ELEMENT;
  const listAt = queryAt + padded * Int16Array.BYTES_PER_ELEMENT;
  const foundAt = listAt + rowsMax * Uint32Array.BYTES_PER_ELEMENT;
  const foundEnd = foundAt + rowsMax * Uint32Array.BYTES_PER_ELEMENT;
  const bestsAt = Math.ceil(foundEnd / HEADER_BYTES) * HEADER_BYTES;
  const end = bestsAt + rowsMax * Float64Array.BYTES_PER_ELEMENT;
  const base = Math.ceil(end / HEADER_BYTES) * HEADER_BYTES;
  const memory = WasmMemory.create(base);
  if (memory === undefined) return undefined;
  compiled ??= moduleOf(QUANTIZED_ROWS_CODE);
  const { select, quantize } = memory.run(compiled);
  assert(typeof select === 'function' && typeof quantize === 'function', 'the module is whole');
  return {
    memory,
    kernels: { select: select as Kernels['select'], quantize: quantize as Kernels['quantize'] },
    vectors: new Float32Array(memory.buffer, 0, rowsMax * dimensions),
    vector: new Float32Array(memory.buffer, vectorAt, padded),
    query: new Int16Array(memory.buffer, queryAt, padded),
    list: new Uint32Array(memory.buffer, listAt, rowsMax),
    found: new Uint32Array(memory.buffer, foundAt, rowsMax),
    bests: new Float64Array(memory.buffer, bestsAt, rowsMax),
    base,
  };
}

import { assert, SluiceError } from '../../errors.js';
import type { Distance } from '../../types.js';
import { inverseNormAt, inverseNormsAt } from './distance.js';
import { littleEndian } from './float32-bytes.js';
import type { Pace } from './pace.js';
import { QuantizedRows } from './quantized-rows.js';
import { roughScoresOf } from './rough-scores.js';
import { type RoughMeasure, VectorMemory } from './vector-memory.js';

/** What all vectors of a store have in common. */
export interface VectorShape {
  readonly dimensions: number;
  readonly distance: Distance;
}

/** Small enough that an empty segment is cheap, large enough that chunks are few. */
const CHUNK_BYTES = 256 * 1024;
/** Of few dimensions, so many rows are a chunk: few bytes are written to begin a segment. */
const CHUNK_ROWS_MAX = 1024;
/** So many bytes lie in buffers of their own: a `VectorMemory` takes a while to make. */
const PLAIN_BYTES = 4 * CHUNK_BYTES;

/** Stored vectors are copied to their chunks in runs of 64 rows at most. */
const RUN_SHIFT = 6;

/** Of 4 bytes in what a processor fetches at once. */
const NUMBERS_PER_LINE = 16;

/** A multiple of 8, which the processor's nearest cache holds beside as much of the target. */
const PIECE_BYTES = 16 * 1024;
const piece = new Uint8Array(PIECE_BYTES);

/**
 * Copies to shared memory. There the platform copies whole words only if source and target both begin
 * with one, and single bytes otherwise, in twice the time; so they take the way over a piece that does.
 */
function copyToShared(source: Uint8Array, target: Uint8Array): void {
  for (let at = 0; at < source.length; at += PIECE_BYTES) {
    const part = source.subarray(at, at + PIECE_BYTES);
    piece.set(part);
    target.set(piece.subarray(0, part.length), at);
  }
}

/** Vectors from a row on, as little-endian float32 bytes. */
interface StoredVectors {
  row: number;
  bytes: Uint8Array;
}

/**
 * Vectors in float32, one a row, append only. The memory is shared, so that worker threads read
 * it without a copy; a row never changes once it is written.
 */
export class VectorSlab {
  readonly dimensions: number;
  /** A power of two, so that a row is found by a shift and a mask. */
  readonly rowsPerChunk: number;
  readonly #shift: number;
  readonly #chunks: Float32Array[] = [];
  /** Where the chunk of the same number lies, if not in a buffer of its own. */
  readonly #memories: (VectorMemory | undefined)[] = [];
  /** What was read from disk and isn't in its chunk yet, by runs of rows: see `#runOf`. */
  readonly #waiting = new Map<number, StoredVectors[]>();
  /** Not kept for euclid, where nobody asks. */
  readonly #inverseNorms: number[] | undefined;
  /** Which rows may be near enough, told from fewer bytes. */
  readonly quantized: QuantizedRows;
  /** Of no meaning: see `fetch`. */
  protected fetched = 0;
  #rows = 0;

  constructor({ dimensions, distance }: VectorShape) {
    assert(Number.isSafeInteger(dimensions) && dimensions > 0, 'a slab has dimensions');
    this.dimensions = dimensions;
    const rows = CHUNK_BYTES / (dimensions * Float32Array.BYTES_PER_ELEMENT);
    this.#shift = Math.max(0, Math.floor(Math.log2(Math.min(rows, CHUNK_ROWS_MAX))));
    this.rowsPerChunk = 1 << this.#shift;
    this.#inverseNorms = distance === 'euclid' ? undefined : [];
    this.quantized = new QuantizedRows(this, distance);
  }

  get rows(): number {
    return this.#rows;
  }

  /** The shared memory, for threads that read or fill it; `rowsPerChunk` rows in each chunk. */
  get chunks(): readonly Float32Array[] {
    for (const run of this.#waiting.keys()) this.#copyIn(run);
    return this.#chunks;
  }

  /** The chunk a row is in; it begins there at `offsetOf(row)`. Others may not be there yet. */
  chunkOf(row: number): Float32Array {
    if (this.#waiting.size > 0) this.#copyIn(this.#runOf(row));
    const chunk = this.#chunks[row >>> this.#shift];
    assert(chunk !== undefined, 'the row is in the slab');
    return chunk;
  }

  /** The chunk a row is in, with all of its rows. */
  wholeChunkOf(row: number): Float32Array {
    const first = row & ~(this.rowsPerChunk - 1);
    this.#copyRows(first, Math.min(this.rowsPerChunk, this.#rows - first));
    return this.chunkOf(row);
  }

  /** Where a row begins in its chunk, in numbers. */
  offsetOf(row: number): number {
    return (row & (this.rowsPerChunk - 1)) * this.dimensions;
  }

  /** One vector, as a window on the slab: copy it before handing it to anyone. */
  at(row: number): Float32Array {
    const offset = this.offsetOf(row);
    return this.chunkOf(row).subarray(offset, offset + this.dimensions);
  }

  /**
   * Has the processor fetch rows that are about to be read: it waits for all of them at once, where
   * sums over one after the other would wait for each.
   */
  fetch(rows: Uint32Array): void {
    let sum = 0;
    for (const row of rows) {
      const chunk = this.chunkOf(row);
      const offset = this.offsetOf(row);
      sum += this.inverseNorm(row);
      for (let at = 0; at < this.dimensions; at += NUMBERS_PER_LINE)
        sum += chunk[offset + at] as number;
    }
    // Kept, so that the compiler can't leave the reads away.
    this.fetched = sum;
  }

  /** Copies the vectors of rows `from`…`to` (exclusive), one after the other, to where the target begins. */
  copyTo(target: Float32Array, from: number, to: number): void {
    const { dimensions } = this;
    this.#copyRows(from, to - from);
    for (let row = from; row < to; ) {
      const end = Math.min(to, (row | (this.rowsPerChunk - 1)) + 1);
      const offset = this.offsetOf(row);
      const run = this.chunkOf(row).subarray(offset, offset + (end - row) * dimensions);
      target.set(run, (row - from) * dimensions);
      row = end;
    }
  }

  /**
   * 1 / length of a row's vector, 0 for a zero vector; 0 for any with the distance `euclid`. To be
   * asked after `chunkOf`, or after scores of the row.
   */
  inverseNorm(row: number): number {
    return this.#inverseNorms?.[row] ?? 0;
  }

  /** `inverseNorm` of every row; none with the distance `euclid`. */
  get inverseNorms(): readonly number[] {
    return this.#inverseNorms ?? [];
  }

  /**
   * Rough scores of `count` rows from this one on, all in one chunk: see `VectorMemory.rough`.
   * Undefined where there is no WebAssembly.
   */
  roughScores(
    measure: RoughMeasure,
    query: Float32Array,
    from: number,
    count: number,
  ): Float32Array | undefined {
    if (this.#waiting.size > 0) this.#copyRows(from, count);
    const memory = this.#memories[from >>> this.#shift];
    const vectors = this.chunkOf(from).subarray(this.offsetOf(from));
    if (memory === undefined) return roughScoresOf(measure, query, vectors, count);
    return memory.rough(measure, query, vectors, count);
  }

  /**
   * As `roughScores`, of rows anywhere, ascending, at most `rowsPerChunk` of them. Undefined also
   * when they don't all lie in one memory.
   */
  roughScoresOf(
    measure: RoughMeasure,
    query: Float32Array,
    rows: Uint32Array,
  ): Float32Array | undefined {
    const first = rows[0] ?? 0;
    const memory = this.#memories[first >>> this.#shift];
    const isOne = memory === this.#memories[(rows.at(-1) ?? 0) >>> this.#shift];
    if (memory === undefined || !isOne) return undefined;
    // The chunks in a memory lie behind each other, so that all rows do.
    const rowBytes = this.dimensions * Float32Array.BYTES_PER_ELEMENT;
    if (this.#waiting.size > 0) for (const row of rows) this.#copyIn(this.#runOf(row));
    const { byteOffset } = this.chunkOf(first);
    const from = byteOffset - (first & ~(this.rowsPerChunk - 1)) * rowBytes;
    return memory.roughOf(measure, query, from, rows);
  }

  /**
   * Adds rows, whose vectors follow each other. Throws a transient `SLUICE_NOT_ENOUGH_SPACE` when the
   * machine has no memory for them; then none of them is there.
   */
  append(vectors: Float32Array): void {
    assert(vectors.length % this.dimensions === 0, 'vectors have as many numbers as the slab says');
    const { dimensions } = this;
    const end = this.#rows + vectors.length / dimensions;
    this.allocate(end);
    for (let at = 0; this.#rows < end; ) {
      const row = this.#rows;
      const count = Math.min(end - row, this.rowsPerChunk - (row & (this.rowsPerChunk - 1)));
      const chunk = this.chunkOf(row);
      const offset = this.offsetOf(row);
      chunk.set(vectors.subarray(at, at + count * dimensions), offset);
      const norms = this.#inverseNorms;
      if (norms !== undefined) inverseNormsAt(chunk, offset, dimensions, { count, norms, to: row });
      this.#rows += count;
      at += count * dimensions;
    }
  }

  /** Makes memory for this many rows, so that a thread can fill them. */
  allocate(rows: number): void {
    while (this.#chunks.length * this.rowsPerChunk < rows) this.#addChunk();
  }

  /**
   * Adds rows that were read from disk, as little-endian float32 bytes. They are copied to where
   * they belong when somebody looks there, or by `settle`; until then the bytes must not change.
   * Throws as `append`.
   */
  takeIn(vectors: Uint8Array): void {
    const rowBytes = this.dimensions * Float32Array.BYTES_PER_ELEMENT;
    const end = this.#rows + vectors.length / rowBytes;
    this.allocate(end);
    const stored = littleEndian(vectors);
    for (let at = 0; this.#rows < end; ) {
      const row = this.#rows;
      const run = this.#runOf(row);
      let count = 1;
      while (row + count < end && this.#runOf(row + count) === run) count += 1;
      const bytes = stored.subarray(at, at + count * rowBytes);
      this.#waiting.set(run, [...(this.#waiting.get(run) ?? []), { row, bytes }]);
      for (let added = 0; added < count; added += 1) this.#inverseNorms?.push(0);
      this.#rows += count;
      at += bytes.length;
    }
  }

  /** Copies what `takeIn` was given, in slices, as long as it `isDue`. */
  async settle(pace: Pace, isDue: () => boolean = () => true): Promise<void> {
    for (const run of this.#waiting.keys()) {
      if (!isDue()) return;
      this.#copyIn(run);
      if (pace.isOver()) await pace.rest();
    }
  }

  /** Takes in the next row, which a thread has written into allocated memory. */
  adopt(): void {
    const row = this.#rows;
    this.#inverseNorms?.push(inverseNormAt(this.chunkOf(row), this.offsetOf(row), this.dimensions));
    this.#rows = row + 1;
  }

  /** Forgets the rows from `rows` on: those of an operation that is undone. */
  truncate(rows: number): void {
    if (this.#waiting.size > 0) this.#copyRows(rows, this.#rows - rows);
    this.#rows = Math.min(this.#rows, rows);
    this.quantized.truncate(this.#rows);
    if (this.#inverseNorms !== undefined) this.#inverseNorms.length = this.#rows;
  }

  /** What is copied at once: few rows, because a search looks at one here and one there. */
  #runOf(row: number): number {
    return row >>> Math.min(this.#shift, RUN_SHIFT);
  }

  #copyRows(from: number, count: number): void {
    if (count < 1) return;
    const last = this.#runOf(from + count - 1);
    for (let run = this.#runOf(from); run <= last; run += 1) this.#copyIn(run);
  }

  #copyIn(run: number): void {
    const waiting = this.#waiting.get(run);
    if (waiting === undefined) return;
    this.#waiting.delete(run);
    for (const { row, bytes } of waiting) {
      const chunk = this.chunkOf(row);
      const offset = this.offsetOf(row);
      const { buffer, byteOffset } = chunk.subarray(offset);
      copyToShared(bytes, new Uint8Array(buffer, byteOffset, bytes.length));
      const norms = this.#inverseNorms;
      if (norms === undefined) continue;
      const count = bytes.length / (this.dimensions * Float32Array.BYTES_PER_ELEMENT);
      inverseNormsAt(chunk, offset, this.dimensions, { count, norms, to: row });
    }
  }

  #addChunk(): void {
    try {
      const bytes = this.rowsPerChunk * this.dimensions * Float32Array.BYTES_PER_ELEMENT;
      const isPlain = (this.#chunks.length + 1) * bytes <= PLAIN_BYTES;
      const inMemory = isPlain ? undefined : this.#chunkInMemory();
      this.#chunks.push(inMemory?.chunk ?? new Float32Array(new SharedArrayBuffer(bytes)));
      this.#memories.push(inMemory?.memory);
    } catch (error) {
      throw new SluiceError('SLUICE_NOT_ENOUGH_SPACE', 'no memory left for vectors', {
        cause: error,
      });
    }
  }

  /** A chunk in the memory of the one before it, or in a new one when that is full. */
  #chunkInMemory(): { chunk: Float32Array; memory: VectorMemory } | undefined {
    let memory = this.#memories.at(-1);
    let chunk = memory?.add(this.rowsPerChunk);
    if (chunk === undefined) {
      memory = VectorMemory.create(this.dimensions, this.rowsPerChunk);
      chunk = memory?.add(this.rowsPerChunk);
    }
    return memory && chunk && { chunk, memory };
  }
}

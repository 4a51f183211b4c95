import type { Distance, HnswGraphOptions } from '../../types.js';
import type { Clock } from '../clock.js';

/** What is kept of an index beside its file: enough to find it, check it and judge it. */
export interface VectorIndexRecord extends HnswGraphOptions {
  /** The file's name; never reused. */
  file: string;
  bytes: number;
  /** Of the whole file: 64-bit xxHash, 16 hexadecimal digits. */
  checksum: string;
  /** The rows it covers: 0…rows - 1 of its segment. */
  rows: number;
  /** What the numbers of the rows were multiplied with. */
  scale: number;
  /** The file has directions in a byte a dimension, not in half precision. */
  int8?: boolean;
}

/** An approximate index over the first `record.rows` rows of one segment. It never changes. */
export interface VectorIndex {
  readonly record: VectorIndexRecord;
  /**
   * Row numbers of about the `ef` rows nearest to the query, the nearest first; all rows when there
   * are fewer. Synchronous. Rows deleted since the build are among them. Nothing when it can't tell
   * them, because the query is far from all rows, or bytes keep little of it.
   */
  search(query: Float32Array, ef: number): Uint32Array | undefined;
}

/** What an index is built from: vectors in shared memory, `rowsPerChunk` rows in each chunk. */
export interface IndexSource {
  dimensions: number;
  distance: Distance;
  chunks: readonly Float32Array[];
  rowsPerChunk: number;
  /** Rows to index, from row 0 on. */
  rows: number;
}

/** How a build is run and watched. */
export interface IndexBuildOptions extends HnswGraphOptions {
  /** Processors to build on, at least 1. */
  threads: number;
  /**
   * Stops the build within 100 ms: it rejects with `SLUICE_CANCELLED` and leaves no file. A file that
   * was being written then goes when its thread has ended, which `close` waits for.
   */
  signal: AbortSignal;
  clock: Clock;
  /** Told of the rows indexed so far, at least every 100 ms. */
  onProgress(rows: number): void;
}

/** Builds, opens and deletes the vector indexes of one store, each in a file of its own. */
export interface VectorIndexes {
  /**
   * Builds an index in a worker thread; its file is durable when this resolves. Whoever called
   * sees to the file: a manifest names it, or `remove` deletes it.
   * Errors, transient ones: `SLUICE_CANCELLED`, `SLUICE_THREAD`, `SLUICE_IO`, `SLUICE_INDEX_LOST`
   * when the file can't be opened at once, `SLUICE_NOT_ENOUGH_SPACE` when the disk is full; besides
   * `SLUICE_INDEX_UNAVAILABLE` where there is no index library, `SLUICE_NOT_OPEN` after `close`.
   */
  build(source: IndexSource, options: IndexBuildOptions): Promise<VectorIndex>;
  /**
   * Opens an index that a manifest names, after comparing its size and checksum.
   * Errors: `SLUICE_INDEX_LOST` when the file is missing, damaged or of an unknown kind.
   */
  open(
    record: VectorIndexRecord,
    shape: { dimensions: number; distance: Distance },
  ): Promise<VectorIndex>;
  /**
   * Copies the file of an index into another directory, made when needed: false, and no file, when
   * that is impossible. Rejects only when the signal fires.
   */
  copy(record: VectorIndexRecord, directory: string, signal: AbortSignal): Promise<boolean>;
  /** Deletes files; a file that is missing, or that can't be deleted now, is left to the sweep. */
  remove(files: readonly string[]): Promise<void>;
  /** Deletes every index file but these and those being built: what an earlier opening left. */
  sweep(named: ReadonlySet<string>): Promise<void>;
  /** Releases what was taken; a store without a directory deletes its files. Safe to call twice. */
  close(): Promise<void>;
}

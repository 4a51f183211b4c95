import { appendFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SluiceError } from '../../errors.js';
import type { HnswGraphOptions } from '../../types.js';
import { type Clock, systemClock } from '../clock.js';
import { makeDirectory, syncFile } from '../level/files.js';
import { FITNESS_ROWS_MIN, fitsBytes } from './byte-fitness.js';
import {
  type GraphSpace,
  graphWidth,
  isZero,
  largestOf,
  placeRow,
  scaleFor,
} from './graph-space.js';
import { type IndexFile, readIndexFile, transientFileError } from './index-files.js';
import { type Graph, loadGraphLibrary } from './usearch-index.js';
import type { IndexSource } from './vector-index.js';

/** What has been built. */
export interface BuiltIndex extends IndexFile {
  /** See `VectorIndexRecord.scale`. */
  scale: number;
  /** See `VectorIndexRecord.int8`. */
  int8?: boolean;
}

/** What to build and where to write it. */
export interface IndexJob extends IndexSource, HnswGraphOptions {
  /** Processors to build on, at least 1. */
  threads: number;
  /** The file; nothing has this name yet. */
  path: string;
}

/**
 * A call of the library can't be interrupted, so it gets as many rows as take this long: short
 * enough for a stop within 100 ms on a busy machine, long enough to keep all its threads at work.
 */
const CALL_MS = 20;

/** Whether bytes fit is looked at when there are so many times the rows of the last look. */
const LOOK_AGAIN_AT = 4;

/** Bounds of the rows in one call. Wide vectors have few, but each thread gets one. */
const CALL_ROWS_MAX = 4096;
const CALL_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Builds an index and writes it; the file is durable when this resolves and may be there, whole or
 * in part, when it rejects. Blocks its thread. `onStep(count)` is told of the rows added since its
 * last call, or taken back when it is less than 0, and may throw to stop; it isn't heard while the
 * file is written and synced.
 */
export async function buildIndex(
  job: IndexJob,
  onStep: (count: number) => void,
  clock: Clock = systemClock,
): Promise<BuiltIndex> {
  const library = await loadGraphLibrary();
  const rowAt = rowReader(job);
  for (const space of spacesFor(job, rowAt, onStep)) {
    const graph = library.create(space, job);
    if (!addRows(graph, job, { rowAt, space, onStep, clock })) continue;
    const written = await write(graph, () => library.create(space, job), job);
    onStep(0);
    return { ...written, scale: space.scale, ...(space.numbers === 'int8' && { int8: true }) };
  }
  throw new Error('the last space takes any rows');
}

type RowReader = (row: number) => Float32Array;

/** False, with the rows taken back, when bytes turn out not to fit them. */
function addRows(
  graph: Graph,
  job: IndexJob,
  tools: { rowAt: RowReader; space: GraphSpace; onStep: (count: number) => void; clock: Clock },
): boolean {
  const { rowAt, space, onStep, clock } = tools;
  const { rows, threads } = job;
  const { width } = space;
  const rowsInBytes = Math.floor(CALL_BYTES_MAX / (width * Float32Array.BYTES_PER_ELEMENT));
  const most = Math.max(threads, Math.min(CALL_ROWS_MAX, rowsInBytes));
  const vectors = new Float32Array(most * width);
  const keys = new BigUint64Array(most);
  // The first rows are added one by one: threads that begin together don't see each other's rows.
  let count = 1;
  let nextLook = FITNESS_ROWS_MIN;
  for (let row = 0; row < rows; ) {
    count = Math.min(count, rows - row);
    for (let at = 0; at < count; at++) {
      placeRow(rowAt(row + at), space, row + at, vectors, at * width);
      keys[at] = BigInt(row + at);
    }
    const began = clock.now();
    graph.add(keys.subarray(0, count), vectors.subarray(0, count * width), threads);
    const elapsedMs = Math.max(1, clock.now() - began);
    row += count;
    onStep(count);
    if (row === rows || row >= nextLook) {
      nextLook = LOOK_AGAIN_AT * row;
      if (space.numbers === 'int8' && !fitsBytes(graph, row, { rowAt, space, onStep })) {
        onStep(-row);
        return false;
      }
    }
    const wanted = Math.min(count * 2, Math.round((count * CALL_MS) / elapsedMs));
    count = Math.min(most, Math.max(wanted, Math.min(count * 2, threads)));
  }
  return true;
}

/** Gives windows on the rows of the source. */
function rowReader({ dimensions, chunks, rowsPerChunk }: IndexSource): RowReader {
  return (row) => {
    const begin = (row % rowsPerChunk) * dimensions;
    const source = chunks[Math.floor(row / rowsPerChunk)];
    if (source === undefined || begin + dimensions > source.length) {
      throw new RangeError(`the source has no row ${row}`);
    }
    return source.subarray(begin, begin + dimensions);
  };
}

/** Looks at all rows once, for what decides how they are put into the graph: the ways to try, in order. */
function spacesFor(
  { dimensions, distance, rows }: IndexJob,
  rowAt: RowReader,
  onStep: (count: number) => void,
): GraphSpace[] {
  const isCosine = distance === 'cosine';
  let largest = 0;
  let hasZeros = false;
  for (let row = 0; row < rows; row++) {
    if (isCosine) hasZeros ||= isZero(rowAt(row));
    else largest = Math.max(largest, largestOf(rowAt(row)));
    if (row % CALL_ROWS_MAX === 0) onStep(0);
  }
  const space = { dimensions, distance, width: graphWidth({ dimensions, distance }, hasZeros) };
  if (!isCosine) return [{ ...space, numbers: 'single', scale: scaleFor(largest) }];
  const half: GraphSpace = { ...space, numbers: 'half', scale: 1 };
  // Zeros lie on an axis of their own, at different lengths, which bytes don't keep.
  return hasZeros ? [half] : [{ ...half, numbers: 'int8' }, half];
}

/** Writes the file, durably, and opens it once, because the library doesn't tell of each failure. */
async function write(graph: Graph, empty: () => Graph, job: IndexJob): Promise<IndexFile> {
  const { path, rows } = job;
  try {
    await makeDirectory(dirname(path));
    try {
      graph.save(path);
      checkFile(empty(), job);
    } catch (error) {
      // The library hides the system's error, and loses that of its last write: ask for it again.
      await appendFile(path, new Uint8Array(64 * 1024));
      throw new SluiceError('SLUICE_IO', `the file of ${rows} rows was not written whole`, {
        cause: error,
        kind: 'transient',
      });
    }
    await syncFile(path);
    return await readIndexFile(path);
  } catch (error) {
    throw transientFileError(error, `writing a vector index to '${path}' failed`);
  }
}

/** Throws when the file is shorter than it says. */
function checkFile(written: Graph, job: IndexJob): void {
  written.view(job.path);
  if (written.size() !== job.rows) throw new RangeError(`it has ${written.size()} rows`);
}

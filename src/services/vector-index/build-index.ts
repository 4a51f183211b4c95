import { appendFile, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SluiceError } from '../../errors.js';
import type { HnswGraphOptions } from '../../types.js';
import { type Clock, systemClock } from '../clock.js';
import { makeDirectory, syncDirectory } from '../level/files.js';
import { type IndexFile, readIndexFile, transientFileError } from './index-files.js';
import { type Graph, type GraphLibrary, loadGraphLibrary, normalise } from './usearch-index.js';
import type { IndexSource } from './vector-index.js';

export type { IndexFile };

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

/** Bounds of the rows in one call. Wide vectors have few, but each thread gets one. */
const CALL_ROWS_MAX = 4096;
const CALL_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Builds an index and writes it; the file is durable when this resolves and may be there, whole or
 * in part, when it rejects. Blocks its thread. `onStep(count)` is told of the rows added since its
 * last call, and may throw to stop; it isn't heard while the file is written and synced.
 */
export async function buildIndex(
  job: IndexJob,
  onStep: (count: number) => void,
  clock: Clock = systemClock,
): Promise<IndexFile> {
  const library = await loadGraphLibrary();
  const graph = library.create(job, job);
  addRows(graph, job, onStep, clock);
  await write(graph, library, job);
  onStep(0);
  return readIndexFile(job.path);
}

function addRows(graph: Graph, job: IndexJob, onStep: (count: number) => void, clock: Clock): void {
  const { dimensions, rows, threads } = job;
  const rowsInBytes = Math.floor(CALL_BYTES_MAX / (dimensions * Float32Array.BYTES_PER_ELEMENT));
  const most = Math.max(threads, Math.min(CALL_ROWS_MAX, rowsInBytes));
  const copyRows = rowCopier(job);
  const vectors = new Float32Array(most * dimensions);
  const keys = new BigUint64Array(most);
  // The first rows are added one by one: threads that begin together don't see each other's rows.
  let count = 1;
  for (let row = 0; row < rows; ) {
    count = Math.min(count, rows - row);
    copyRows(row, count, vectors);
    for (let at = 0; at < count; at++) keys[at] = BigInt(row + at);
    const began = clock.now();
    graph.add(keys.subarray(0, count), vectors.subarray(0, count * dimensions), threads);
    const elapsedMs = Math.max(1, clock.now() - began);
    row += count;
    onStep(count);
    const wanted = Math.min(count * 2, Math.round((count * CALL_MS) / elapsedMs));
    count = Math.min(most, Math.max(wanted, Math.min(count * 2, threads)));
  }
}

/** Copies rows that follow each other to the beginning of `target`, as the library wants them. */
function rowCopier({ dimensions, distance, chunks, rowsPerChunk }: IndexSource) {
  const sources = chunks.map((chunk) => new Float32Array(chunk));
  return (first: number, count: number, target: Float32Array) => {
    for (let at = 0; at < count; at++) {
      const row = first + at;
      const begin = (row % rowsPerChunk) * dimensions;
      const source = sources[Math.floor(row / rowsPerChunk)];
      if (source === undefined || begin + dimensions > source.length) {
        throw new RangeError(`the source has no row ${row}`);
      }
      target.set(source.subarray(begin, begin + dimensions), at * dimensions);
      if (distance === 'cosine') normalise(target, at * dimensions, dimensions);
    }
  };
}

/** Writes the file, durably, and opens it once, because the library doesn't tell of each failure. */
async function write(graph: Graph, library: GraphLibrary, job: IndexJob): Promise<void> {
  const { path, rows } = job;
  try {
    await makeDirectory(dirname(path));
    try {
      graph.save(path);
      checkFile(library, job);
    } catch (error) {
      // The library hides the system's error, and loses that of its last write: ask for it again.
      await appendFile(path, new Uint8Array(64 * 1024));
      throw new SluiceError('SLUICE_IO', `the file of ${rows} rows was not written whole`, {
        cause: error,
        kind: 'transient',
      });
    }
    const file = await open(path, 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await syncDirectory(dirname(path));
  } catch (error) {
    throw transientFileError(error, `writing a vector index to '${path}' failed`);
  }
}

/** Throws when the file is shorter than it says. */
function checkFile(library: GraphLibrary, job: IndexJob): void {
  const written = library.create(job, job);
  written.view(job.path);
  if (written.size() !== job.rows) throw new RangeError(`it has ${written.size()} rows`);
}

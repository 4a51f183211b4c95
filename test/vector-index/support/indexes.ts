import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Distance, systemClock } from 'sluice';
import { onTestFinished } from 'vitest';
import {
  FileVectorIndexes,
  type FileVectorIndexesOptions,
} from '#sluice/services/vector-index/file-indexes.js';
import type { IndexBuildOptions, IndexSource } from '#sluice/services/vector-index/vector-index.js';
import { Random } from '../../support/random.js';
import { temporaryDirectory } from '../../support/temporary.js';

/** Indexes in a directory of their own; both go when the test has finished. */
export async function newIndexes(
  options: FileVectorIndexesOptions = {},
): Promise<{ indexes: FileVectorIndexes; directory: string; files: () => Promise<string[]> }> {
  const directory = options.directory ?? join(await temporaryDirectory(), 'vector-index');
  const indexes = new FileVectorIndexes({ ...options, directory });
  onTestFinished(() => indexes.close());
  return { indexes, directory, files: () => filesIn(directory) };
}

/** The names in a directory; none when it is missing. */
export async function filesIn(directory: string): Promise<string[]> {
  return (await readdir(directory).catch(() => [])).sort();
}

/** Options of a build that nothing stops. */
export function buildOptions(options: Partial<IndexBuildOptions> = {}): IndexBuildOptions {
  return {
    m: 16,
    efConstruct: 100,
    threads: 2,
    signal: new AbortController().signal,
    clock: systemClock,
    onProgress: () => {},
    ...options,
  };
}

/** Vectors in shared memory, in chunks of an odd size. */
export function sourceOf(
  vectors: readonly Float32Array[],
  distance: Distance,
  rowsPerChunk = 100,
): IndexSource {
  const dimensions = vectors[0]?.length ?? 4;
  const chunks: Float32Array[] = [];
  for (const [row, vector] of vectors.entries()) {
    if (row % rowsPerChunk === 0) {
      chunks.push(new Float32Array(new SharedArrayBuffer(rowsPerChunk * dimensions * 4)));
    }
    chunks.at(-1)?.set(vector, (row % rowsPerChunk) * dimensions);
  }
  return { dimensions, distance, chunks, rowsPerChunk, rows: vectors.length };
}

/** Vectors around 50 centres: what embeddings look like. */
export function clustered(random: Random, count: number, dimensions: number): Float32Array[] {
  const noise = () => random.next() + random.next() + random.next() - 1.5;
  const centres = Array.from({ length: 50 }, () =>
    Float32Array.from({ length: dimensions }, () => noise()),
  );
  return Array.from({ length: count }, () => random.pick(centres).map((x) => x + 0.3 * noise()));
}

/** As `clustered`, but from one seed. */
export function someVectors(count: number, dimensions = 16): Float32Array[] {
  return clustered(new Random(1), count, dimensions);
}

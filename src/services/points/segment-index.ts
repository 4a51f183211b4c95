import { assert, SluiceError, throwIfAborted } from '../../errors.js';
import type { HnswGraphOptions } from '../../types.js';
import type { Clock } from '../clock.js';
import type { OptimizationContext } from '../ports.js';
import type {
  IndexBuildOptions,
  VectorIndex,
  VectorIndexes,
} from '../vector-index/vector-index.js';
import type { Segment } from './segment.js';
import type { SegmentList } from './segment-list.js';

/** How outputs of optimizations get a vector index. */
export interface OutputIndexing {
  /** Bytes of vectors from which an output gets one. */
  thresholdBytes: number;
  /** Processors that a build wants. */
  cpus: number;
  graph: HnswGraphOptions;
  build: VectorIndexes['build'];
  /** Deletes the file of an index that no manifest has named. */
  discard(index: VectorIndex): Promise<void>;
}

interface Tools {
  list: SegmentList;
  clock: Clock;
  /** Absent where there are no vector indexes. */
  indexing?: OutputIndexing | undefined;
}

/** Whether so many points are enough for an index, where there are indexes. */
export function wantsIndex(points: number, { list, indexing }: Omit<Tools, 'clock'>): boolean {
  const bytes = points * list.shape.dimensions * Float32Array.BYTES_PER_ELEMENT;
  return indexing !== undefined && points > 0 && bytes >= indexing.thresholdBytes;
}

/**
 * Builds an index over all rows of a segment that takes no more of them; undefined when it `isWanted`
 * no more, because so many of its points were deleted meanwhile.
 */
export async function buildSegmentIndex(
  { slab, rows }: Segment,
  { list, clock, indexing }: Tools,
  isWanted: () => boolean,
  { signal, permits, onProgress }: OptimizationContext,
): Promise<VectorIndex | undefined> {
  assert(indexing !== undefined, 'an index is built where there are indexes');
  const source = {
    dimensions: slab.dimensions,
    distance: list.shape.distance,
    chunks: slab.chunks,
    rowsPerChunk: slab.rowsPerChunk,
    rows,
  };
  const stop = new AbortController();
  const forward = () => stop.abort(signal.reason);
  signal.addEventListener('abort', forward, { once: true });
  let isNeeded = true;
  const options: IndexBuildOptions = {
    ...indexing.graph,
    threads: Math.max(1, permits),
    signal: stop.signal,
    clock,
    onProgress: (indexed) => {
      onProgress({ copied: rows, indexed, total: rows });
      isNeeded &&= isWanted();
      if (!isNeeded) stop.abort(new SluiceError('SLUICE_CANCELLED', 'too few points are left'));
    },
  };
  try {
    throwIfAborted(signal);
    return await indexing.build(source, options);
  } catch (error) {
    if (isNeeded) throw error;
    return undefined;
  } finally {
    signal.removeEventListener('abort', forward);
  }
}

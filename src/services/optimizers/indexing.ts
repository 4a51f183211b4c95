import type { Optimization, SegmentInfo, SegmentOptimizer } from '../ports.js';

/** What indexing looks at in a segment. */
export interface IndexingCandidate {
  readonly id: number;
  /** Live vector data. */
  readonly vectorBytes: number;
  /** True when it has a vector index. */
  readonly indexed: boolean;
}

/** When segments get an index, and with which others. */
export interface IndexingThresholds {
  /** Size of live vector data from which a segment gets an index; Infinity: never. */
  indexingThresholdBytes: number;
  /** Segments to aim at; with fewer, a segment is indexed by itself. */
  segmentNumber: number;
  /** Every output stays below this size of live vector data. */
  maxSegmentSizeBytes: number;
}

/**
 * The largest segment that has grown beyond the threshold without an index, together with a small
 * one so that segments don't become many, or none. Pure; ties in size go to the lower id. The output
 * is no smaller than the threshold and indexed, so it isn't chosen again.
 * @see Qdrant `indexing_optimizer.rs`
 */
export function selectForIndexing(
  segments: readonly IndexingCandidate[],
  busy: ReadonlySet<number>,
  thresholds: IndexingThresholds,
): number[] {
  const { indexingThresholdBytes, segmentNumber, maxSegmentSizeBytes } = thresholds;
  const bySize = segments
    .filter((segment) => !busy.has(segment.id))
    .sort((a, b) => a.vectorBytes - b.vectorBytes || b.id - a.id);
  const candidates = bySize.filter(
    ({ indexed, vectorBytes }) =>
      !indexed && vectorBytes > 0 && vectorBytes >= indexingThresholdBytes,
  );
  const selected = candidates.at(-1);
  if (selected === undefined) return [];
  if (segments.length < segmentNumber) return [selected.id];
  const smallestOther = candidates.find((segment) => segment !== selected);
  const smallestIndexed = bySize.find(({ indexed }) => indexed);
  for (const partner of [smallestOther, smallestIndexed]) {
    if (partner === undefined) continue;
    if (selected.vectorBytes + partner.vectorBytes < maxSegmentSizeBytes) {
      return [selected.id, partner.id];
    }
  }
  return [selected.id];
}

/** Builds vector indexes for large segments. `thresholds` is asked anew at every selection. */
export function indexingOptimizer<Info extends SegmentInfo & IndexingCandidate>(options: {
  thresholds: () => IndexingThresholds;
  begin: (ids: readonly number[]) => Optimization | undefined;
}): SegmentOptimizer<Info> {
  return {
    name: 'indexing',
    select: (segments, busy) => selectForIndexing(segments, busy, options.thresholds()),
    begin: options.begin,
  };
}

import type { Optimization, SegmentInfo, SegmentOptimizer } from '../ports.js';

/** What merging looks at in a segment. */
export interface MergeCandidate {
  readonly id: number;
  /** Live vector data. */
  readonly vectorBytes: number;
}

/** When segments are merged. */
export interface MergeThresholds {
  /** Segments to aim at; more than these are merged. */
  segmentNumber: number;
  /** Every output stays below this size of live vector data. */
  maxSegmentSizeBytes: number;
}

// Three, so that the count falls even when the merge needs a new appendable segment beside its
// output. That makes merging end: each one leaves fewer segments than it found.
const SEGMENTS_MIN = 3;

/**
 * The smallest segments that together stay below the size limit, as many as bring the count to the
 * target, or none. Pure; ties in size go by id.
 * @see Qdrant `merge_optimizer.rs`
 */
export function selectForMerge(
  segments: readonly MergeCandidate[],
  busy: ReadonlySet<number>,
  thresholds: MergeThresholds,
): number[] {
  const free = segments.filter((segment) => !busy.has(segment.id));
  if (free.length <= thresholds.segmentNumber) return [];
  const countMax = free.length - thresholds.segmentNumber + 2;
  const bySize = free.sort((a, b) => a.vectorBytes - b.vectorBytes || a.id - b.id);
  const chosen: number[] = [];
  let sizeBytes = 0;
  for (const segment of bySize.slice(0, countMax)) {
    sizeBytes += segment.vectorBytes;
    if (sizeBytes >= thresholds.maxSegmentSizeBytes) break;
    chosen.push(segment.id);
  }
  return chosen.length >= SEGMENTS_MIN ? chosen : [];
}

/** Merges small segments when there are too many. `thresholds` is asked anew at every selection. */
export function mergeOptimizer<Info extends SegmentInfo & MergeCandidate>(options: {
  thresholds: () => MergeThresholds;
  begin: (ids: readonly number[]) => Optimization | undefined;
}): SegmentOptimizer<Info> {
  return {
    name: 'merge',
    select: (segments, busy) => selectForMerge(segments, busy, options.thresholds()),
    begin: options.begin,
  };
}

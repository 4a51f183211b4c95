import type { HnswGraphOptions } from '../../types.js';
import type { Optimization, SegmentInfo, SegmentOptimizer } from '../ports.js';

/** What is looked at in a segment. */
export interface MismatchCandidate {
  readonly id: number;
  /** Live vector data. */
  readonly vectorBytes: number;
  /** What its vector index was built with; null without one. */
  readonly hnsw: HnswGraphOptions | null;
}

/**
 * The largest segment whose index was built with other parameters than those in force, or none.
 * Pure; ties go to the lower id. Its output has an index with these parameters, or none at all.
 * @see Qdrant `config_mismatch_optimizer.rs`
 */
export function selectForConfigMismatch(
  segments: readonly MismatchCandidate[],
  busy: ReadonlySet<number>,
  { m, efConstruct }: HnswGraphOptions,
): number[] {
  let largest: MismatchCandidate | undefined;
  for (const segment of segments) {
    const { hnsw } = segment;
    if (hnsw === null || busy.has(segment.id)) continue;
    if (hnsw.m === m && hnsw.efConstruct === efConstruct) continue;
    if (largest && (segment.vectorBytes - largest.vectorBytes || largest.id - segment.id) <= 0) {
      continue;
    }
    largest = segment;
  }
  return largest === undefined ? [] : [largest.id];
}

/** Rebuilds segments whose index has other parameters. `wanted` is asked anew at every selection. */
export function configMismatchOptimizer<Info extends SegmentInfo & MismatchCandidate>(options: {
  wanted: () => HnswGraphOptions;
  begin: (ids: readonly number[]) => Optimization | undefined;
}): SegmentOptimizer<Info> {
  return {
    name: 'config-mismatch',
    select: (segments, busy) => selectForConfigMismatch(segments, busy, options.wanted()),
    begin: options.begin,
  };
}

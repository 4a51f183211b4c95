import type { Optimization, SegmentInfo, SegmentOptimizer } from '../ports.js';

/** What vacuuming looks at in a segment. */
export interface VacuumCandidate {
  readonly id: number;
  /** All rows, deleted ones included. */
  readonly rows: number;
  /** Rows that are deleted or were replaced. */
  readonly deleted: number;
}

/** When a segment is vacuumed. */
export interface VacuumThresholds {
  /** Share of deleted rows that is still tolerated, 0…1. */
  deletedThreshold: number;
  /** Rows below which a segment isn't worth it. */
  vacuumMinVectorNumber: number;
}

/**
 * The segment with the largest share of deleted rows, when that is above the threshold and the
 * segment is large enough; or none. Pure; ties go to the lower id. A vacuumed segment has no
 * deleted rows, so it isn't chosen again.
 * @see Qdrant `vacuum_optimizer.rs`
 */
export function selectForVacuum(
  segments: readonly VacuumCandidate[],
  busy: ReadonlySet<number>,
  thresholds: VacuumThresholds,
): number[] {
  let worst: { id: number; ratio: number } | undefined;
  for (const { id, rows, deleted } of segments) {
    // Without a deleted row there is nothing to gain, whatever the thresholds say.
    if (busy.has(id) || deleted === 0 || rows < thresholds.vacuumMinVectorNumber) continue;
    const ratio = deleted / rows;
    if (ratio <= thresholds.deletedThreshold) continue;
    if (worst && (ratio < worst.ratio || (ratio === worst.ratio && id > worst.id))) continue;
    worst = { id, ratio };
  }
  return worst === undefined ? [] : [worst.id];
}

/** Rewrites segments with many deleted rows. `thresholds` is asked anew at every selection. */
export function vacuumOptimizer<Info extends SegmentInfo & VacuumCandidate>(options: {
  thresholds: () => VacuumThresholds;
  begin: (ids: readonly number[]) => Optimization | undefined;
}): SegmentOptimizer<Info> {
  return {
    name: 'vacuum',
    select: (segments, busy) => selectForVacuum(segments, busy, options.thresholds()),
    begin: options.begin,
  };
}

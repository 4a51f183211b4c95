import type { PointHolder } from '../../services/points/holder.js';
import { IndexInPlace } from '../../services/points/index-in-place.js';
import type { Telemetry } from '../../types.js';

/** What a run must have to do, so that what holds in it means something. */
export const TRAFFIC = [
  'opened',
  'reopened',
  'closed',
  'answered',
  'refused',
  'committed',
  'configured',
  'optimized',
  'indexedInPlace',
  'cancelled',
  'optimizationFailed',
  'read',
  'delta',
] as const;

export type TrafficClass = (typeof TRAFFIC)[number];

/**
 * How often each happens at least in a hundred seeds of 500 operations: about half of what is
 * measured.
 */
export const TRAFFIC_MIN: Readonly<Record<TrafficClass, number>> = {
  opened: 300,
  reopened: 25,
  closed: 200,
  answered: 17000,
  refused: 5000,
  committed: 2200,
  configured: 400,
  optimized: 1200,
  indexedInPlace: 15,
  cancelled: 600,
  optimizationFailed: 300,
  read: 1500,
  delta: 100,
};

/** Counts what goes on in a run. */
export class Traffic {
  readonly counts = new Map<TrafficClass, number>();

  count(name: TrafficClass, times = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + times);
  }

  /** What a collection has done in its life. */
  add({ flush, optimizations }: Telemetry): void {
    this.count('committed', flush.commits);
    for (const { done, cancelled, failed } of Object.values(optimizations.byOptimizer)) {
      this.count('optimized', done);
      this.count('cancelled', cancelled);
      this.count('optimizationFailed', failed);
    }
  }
}

/** Counts the segments of a holder that get an index without being rewritten. */
export function countInPlace(holder: PointHolder, traffic: Traffic): void {
  const { beginRebuild } = holder;
  holder.beginRebuild = (ids) => {
    const run = beginRebuild.call(holder, ids);
    if (!(run instanceof IndexInPlace)) return run;
    const { swap } = run;
    run.swap = () => {
      const points = swap.call(run);
      if (run.output.length > 0) traffic.count('indexedInPlace');
      return points;
    };
    return run;
  };
}

import type { Core } from './core.js';
import type { SegmentInfo } from './services/ports.js';
import type { Status } from './services/status.js';
import type { Telemetry } from './types.js';

/** Everything that is counted and measured, with what the handler alone knows. */
export function telemetryOf<Op, Info extends SegmentInfo>(
  core: Core<Op, Info>,
  { state, status, segments }: { state: string; status: Status; segments: readonly Info[] },
): Telemetry<Info> {
  const { tail, flush, runs, waits, feed, keepFrom, options } = core;
  return {
    state,
    status,
    segments,
    operations: { ...core.counts },
    recovery: core.recovery.counts,
    log: {
      acked: flush.acked,
      applied: tail.applied,
      synced: tail.syncedUpTo,
      last: tail.end,
      keepFrom: keepFrom.lowest,
      readers: feed.readers,
    },
    queue: tail.usage,
    flush: { ...flush.counts, committed: flush.committed },
    optimizations: {
      running: runs.running.length,
      error: optimizationError(status),
      points: runs.optimizedPoints,
      triggered: runs.triggered,
      awaited: waits.count,
      byOptimizer: runs.counts.list(),
      log: runs.trackers.list(),
    },
    budgets: { io: options.ioBudget.status(), cpu: options.cpuBudget.status() },
  };
}

/** What the optimizers or one of them failed with last, and have not succeeded with since. */
function optimizationError({ errors }: Status): string | null {
  const standing = errors.filter(
    ({ what, recoveredAt }) => recoveredAt === null && /^optimiz(ation:|erScheduler$)/.test(what),
  );
  const [latest] = standing.sort((one, other) => other.at - one.at);
  return latest?.message ?? null;
}

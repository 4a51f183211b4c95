import { assert } from '../errors.js';
import type { Clock } from './clock.js';
import type { OptimizationProgress } from './ports.js';

/** How an optimization stands or ended. */
export type TrackerStatus =
  | { state: 'optimizing' }
  | { state: 'done' }
  | { state: 'cancelled'; why: string }
  | { state: 'error'; error: string };

/** What a run is doing: it goes through these in order, without a CPU and an index if it builds none. */
export type OptimizationPhase =
  | 'copying'
  | 'waitingForCpu'
  | 'indexing'
  | 'catchingUp'
  | 'swapping'
  | 'rollingBack';

/** One run of an optimizer, as shown to users. Times in milliseconds since 1970 UTC. */
export interface Tracker {
  optimizer: string;
  segmentIds: readonly number[];
  startedAt: number;
  /** Set once the status is no longer `optimizing`. */
  endedAt?: number;
  status: TrackerStatus;
  /** The last one, when it has ended. */
  phase: OptimizationPhase;
  progress: OptimizationProgress;
}

/** By which a task reports on its run. It ends once: a second end is a defect. */
export interface TrackerHandle {
  phase(phase: OptimizationPhase): void;
  progress(progress: OptimizationProgress): void;
  done(): void;
  cancelled(why: string): void;
  failed(error: string): void;
}

/** Ended runs that are kept. */
export const KEEP_LAST_TRACKERS = 16;

/**
 * The latest optimizations: all that run, and the last 16 or so that ended. Beyond 16 entries the
 * oldest go when a new run begins, done and cancelled ones only: an error stays to be seen, until
 * 16 newer errors have followed.
 * @see Qdrant `optimizers_log.rs`; there errors are kept without a limit
 */
export class TrackerLog {
  readonly #clock: Pick<Clock, 'now'>;
  #trackers: Tracker[] = [];

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock;
  }

  /** Adds a run that begins now. */
  register(optimizer: string, segmentIds: readonly number[], total = 0): TrackerHandle {
    const tracker: Tracker = {
      optimizer,
      segmentIds: [...segmentIds],
      startedAt: this.#clock.now(),
      status: { state: 'optimizing' },
      phase: 'copying',
      progress: { copied: 0, indexed: 0, total },
    };
    this.#trackers.push(tracker);
    this.#truncate();
    const end = (status: TrackerStatus) => {
      assert(tracker.status.state === 'optimizing', `a run of ${optimizer} ends once`);
      tracker.status = status;
      tracker.endedAt = this.#clock.now();
    };
    return {
      phase: (phase) => {
        tracker.phase = phase;
      },
      progress: (progress) => {
        tracker.progress = { ...progress };
      },
      done: () => end({ state: 'done' }),
      cancelled: (why) => end({ state: 'cancelled', why }),
      failed: (error) => end({ state: 'error', error }),
    };
  }

  /** Copies, the newest first. */
  list(): Tracker[] {
    return this.#trackers.map(copyOf).reverse();
  }

  #truncate(): void {
    const excess = this.#trackers.length - KEEP_LAST_TRACKERS;
    let errors = this.#trackers.filter(({ status }) => status.state === 'error').length;
    this.#trackers = this.#trackers.filter(({ status }, index) => {
      if (index >= excess || status.state === 'optimizing') return true;
      if (status.state !== 'error') return false;
      errors -= 1;
      return errors < KEEP_LAST_TRACKERS;
    });
  }
}

/** As `structuredClone` makes one, in a fraction of the time. */
function copyOf(tracker: Tracker): Tracker {
  const { segmentIds, status, progress } = tracker;
  return {
    ...tracker,
    segmentIds: [...segmentIds],
    status: { ...status },
    progress: { ...progress },
  };
}

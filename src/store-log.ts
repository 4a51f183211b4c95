import type { Logger } from 'pino';
import { toSluiceError } from './errors.js';
import type { WorkerId } from './machines/signals.js';
import type { OptimizationRun, RunEnd } from './services/optimization-run.js';

/** What an ended run leaves besides its end. Milliseconds. */
export interface RunTimes {
  ms: number;
  /** How long its segments are left alone, if it failed. */
  backOffMs: number;
}

/**
 * All that a store tells an operator, each record by the child logger of its actor. Times are in
 * milliseconds, operations are told by their numbers; docs/operations.md has the table.
 */
export class StoreLog {
  readonly #handler: Logger;
  readonly #worker: Logger;
  readonly #flush: Logger;
  readonly #scheduler: Logger;
  readonly #task: Logger;

  constructor(logger: Logger) {
    const of = (actor: string) => logger.child({ actor });
    this.#handler = of('updateHandler');
    this.#worker = of('updateWorker');
    this.#flush = of('flushWorker');
    this.#scheduler = of('optimizerScheduler');
    this.#task = of('optimizationTask');
  }

  /** `applied`: what the segments held; `last`: the end of the log, up to which is replayed. */
  opened(fields: { applied: number; acked: number; last: number; segments: number; ms: number }) {
    this.#handler.info(fields, 'opened');
  }

  openingFailed(error: unknown): void {
    this.#handler.error(failure(error), 'opening failed');
  }

  recovered(operations: number, ms: number): void {
    this.#worker.info({ operations, ms }, 'recovered');
  }

  reconfigured(settings: { flushIntervalMs: number; maxOptimizationThreads: number | null }): void {
    this.#handler.info(settings, 'reconfigured');
  }

  reconfiguringFailed(error: unknown): void {
    this.#handler.error(failure(error), 'reconfiguring failed');
  }

  closed(fields: { applied: number; committed: number; ms: number }): void {
    this.#handler.info(fields, 'closed');
  }

  closingFailed(error: unknown): void {
    this.#handler.error(failure(error), 'closing failed');
  }

  broken(error: unknown): void {
    this.#handler.error(failure(error), 'the storage is broken');
  }

  crashed(error: unknown): void {
    this.#handler.error(failure(error), 'the update handler has crashed');
  }

  workerCrashed(worker: WorkerId, error: unknown): void {
    this.#handler.error({ worker, ...failure(error) }, 'worker crashed, it is restarted');
  }

  overdue(stage: string, error: unknown): void {
    this.#handler.error({ stage, ...failure(error) }, 'did not end in time');
  }

  /** Something of the store is missing that it can do without. */
  missing(what: string, error: unknown): void {
    this.#handler.warn({ what, ...failure(error) }, 'something is missing');
  }

  diskNearlyFull(error: unknown, freeBytes: number | undefined): void {
    this.#handler.warn({ freeBytes, ...failure(error) }, 'the disk is nearly full');
  }

  diskHasRoom(freeBytes: number): void {
    this.#handler.info({ freeBytes }, 'the disk has room again');
  }

  diskUnknown(error: unknown): void {
    this.#handler.warn(failure(error), 'how much of the disk is free is unknown');
  }

  reclaimFailed(error: unknown): void {
    this.#handler.warn(failure(error), 'space could not be given back');
  }

  declined(opNum: number, error: unknown): void {
    this.#worker.warn({ opNum, ...failure(error) }, 'operation declined');
  }

  retried(opNum: number, error: unknown): void {
    this.#worker.warn({ opNum, ...failure(error) }, 'operation failed, it is tried again');
  }

  flushed(fields: { committed: number; acked: number; ms: number }): void {
    this.#flush.debug(fields, 'flushed');
  }

  flushFailed(error: unknown): void {
    this.#flush.warn(failure(error), 'flush failed, it is tried again');
  }

  optimizersHeld(why: string): void {
    this.#scheduler.warn({ why }, 'the optimizers wait for a trigger');
  }

  planningFailed(error: unknown): void {
    this.#scheduler.warn(failure(error), 'planning failed, it is tried again');
  }

  deathNotCounted(error: unknown): void {
    const message = 'it could not be noted that an optimization begins or has ended';
    this.#scheduler.warn(failure(error), message);
  }

  /** A run that found its segments gone is none, and not told. */
  runEnded(run: OptimizationRun, end: RunEnd, { ms, backOffMs }: RunTimes): void {
    const fields = { optimizer: run.optimizer, segments: run.segmentIds };
    if (end.outcome === 'done') {
      const { points, output } = end;
      this.#task.info({ ...fields, output, points, ms }, 'optimized');
    } else if (end.outcome === 'cancelled') {
      this.#task.info({ ...fields, why: end.why, ms }, 'optimization cancelled');
    } else if (end.outcome === 'failed') {
      const failed = { ...fields, ms, backOffMs, ...failure(end.error) };
      this.#task.warn(failed, 'optimization failed, it is tried again');
    }
  }

  /** What a run left on disk is swept by the next opening. */
  blocksLeft(error: unknown): void {
    this.#task.warn(failure(error), 'blocks of an optimization could not be deleted');
  }
}

/** The code to look for, and the error as pino writes one. */
function failure(error: unknown): { code: string; err: unknown } {
  return { code: toSluiceError(error, 'SLUICE_CRASHED').code, err: error };
}

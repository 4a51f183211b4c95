import { assert, errorText, isSticky, SluiceError, throwIfAborted } from '../errors.js';
import type { Optimization, OptimizationContext, SegmentOptimizer } from './ports.js';
import type { Permit, ResourceBudget } from './resource-budget.js';
import type { OptimizationPhase, TrackerHandle, TrackerLog } from './tracker-log.js';

/** How a run has ended. */
export type RunEnd =
  | { outcome: 'done'; points: number; output: readonly number[] | undefined }
  | { outcome: 'void' }
  | { outcome: 'cancelled'; why: string }
  | { outcome: 'failed'; error: unknown };

/** What a run is made of. */
export interface RunOptions {
  optimizer: Pick<SegmentOptimizer, 'name' | 'begin'>;
  segmentIds: readonly number[];
  ioPermit: Permit;
  cpuBudget: ResourceBudget;
  trackers: TrackerLog;
  /** Awaited before the run freezes anything. */
  beforeBegin(): Promise<void> | undefined;
  /** True when the storage must not be written: blocks are then left to the next opening. */
  isBroken(): boolean;
  /** Told at once of an error that the end may not tell: nothing is written after one that stays. */
  onError(error: unknown): void;
  /** Called exactly once, when permits are returned and no segment is frozen any more. */
  onEnd(end: RunEnd): void;
}

/**
 * One optimization from its permit to its end. The phases are called by the task's chart; whatever
 * happens to the task, `abandon` leaves the store as if the run had never been.
 */
export class OptimizationRun {
  readonly optimizer: string;
  readonly segmentIds: readonly number[];
  readonly #options: RunOptions;
  readonly #controller = new AbortController();
  #optimization: Optimization | undefined;
  #tracker: TrackerHandle | undefined;
  #permit: Permit | undefined;
  #failure: unknown;
  #cancelled: string | undefined;
  #ended = false;
  #undoing: Promise<void> | undefined;

  constructor(options: RunOptions) {
    this.#options = options;
    this.optimizer = options.optimizer.name;
    this.segmentIds = options.segmentIds;
    this.#permit = options.ioPermit;
  }

  /** What every phase listens to: fires when the run is cancelled or abandoned. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Asks the running phase to end. */
  cancel(why: string): void {
    this.#cancelled ??= why;
    this.#controller.abort(new SluiceError('SLUICE_CANCELLED', why));
  }

  /** Freezes the sources and copies them; `started` is false when they were gone. */
  copy(): Promise<{ started: boolean; indexing: boolean }> {
    return this.#phase('copying', async () => {
      throwIfAborted(this.signal);
      const { optimizer, segmentIds, trackers, beforeBegin } = this.#options;
      const ready = beforeBegin();
      if (ready !== undefined) {
        await ready;
        throwIfAborted(this.signal);
      }
      const optimization = optimizer.begin(segmentIds);
      if (optimization === undefined) {
        this.#end({ outcome: 'void' });
        return { started: false, indexing: false };
      }
      this.#optimization = optimization;
      this.#tracker = trackers.register(this.optimizer, segmentIds, optimization.points);
      await optimization.copy(this.#context());
      return { started: true, indexing: optimization.cpus > 0 };
    });
  }

  /** Exchanges the I/O permit for a share of the processors. */
  acquireCpu(): Promise<void> {
    return this.#phase('waitingForCpu', async () => {
      const permit = await this.#options.cpuBudget.acquire(this.#started.cpus, this.signal);
      this.#permit?.release();
      this.#permit = permit;
    });
  }

  index(): Promise<void> {
    return this.#phase('indexing', () => this.#started.index(this.#context()));
  }

  catchUp(): Promise<void> {
    return this.#phase('catchingUp', () => this.#started.catchUp(this.#context()));
  }

  /** One synchronous step; returns the points of the output. */
  swap(): number {
    this.#tracker?.phase('swapping');
    try {
      const points = this.#started.swap();
      this.#end({ outcome: 'done', points, output: this.#started.output });
      return points;
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  /** Undoes everything. Rejects only if blocks of the output could not be deleted. */
  rollback(): Promise<void> {
    // Once: who is tired of waiting for the blocks to be deleted asks again.
    this.#undoing ??= this.#undo();
    return this.#undoing;
  }

  async #undo(): Promise<void> {
    if (this.#ended) return;
    const optimization = this.#optimization;
    this.#tracker?.phase('rollingBack');
    try {
      optimization?.rollback();
      const isBroken = isSticky(this.#failure) || this.#options.isBroken();
      if (!isBroken) await optimization?.discard();
    } catch (error) {
      this.#options.onError(error);
      throw error;
    } finally {
      const why = this.#cancelled;
      if (why === undefined) this.#end({ outcome: 'failed', error: this.#failure });
      else this.#end({ outcome: 'cancelled', why });
    }
  }

  /** The task is gone without having ended the run: cancel, undo, answer for it. */
  async abandon(error: unknown): Promise<void> {
    if (this.#ended) return;
    this.#failure ??= error;
    this.#controller.abort(new SluiceError('SLUICE_CANCELLED', errorText(error)));
    await this.rollback();
  }

  async #phase<T>(phase: OptimizationPhase, work: () => Promise<T>): Promise<T> {
    this.#tracker?.phase(phase);
    try {
      return await work();
    } catch (error) {
      this.#failed(error);
      throw error;
    }
  }

  #failed(error: unknown): void {
    this.#failure ??= error;
    // One that is cancelled ends as that, whatever a phase fails with that was still at work.
    if (this.signal.aborted) this.#options.onError(error);
  }

  #context(): OptimizationContext {
    return {
      signal: this.signal,
      permits: this.#permit?.count ?? 0,
      onProgress: (progress) => {
        if (!this.#ended) this.#tracker?.progress(progress);
      },
    };
  }

  get #started(): Optimization {
    assert(this.#optimization !== undefined, 'a run copies first');
    return this.#optimization;
  }

  #end(end: RunEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#permit?.release();
    this.#permit = undefined;
    if (end.outcome === 'done') this.#tracker?.done();
    else if (end.outcome === 'cancelled') this.#tracker?.cancelled(end.why);
    else if (end.outcome === 'failed') this.#tracker?.failed(errorText(end.error));
    this.#options.onEnd(end);
  }
}

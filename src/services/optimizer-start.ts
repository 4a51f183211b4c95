import { isSticky } from '../errors.js';
import type { DeathCounter } from './ports.js';

/** When the optimizers begin to work after an opening. */
export type OptimizersStart = 'automatic' | 'onTrigger';

/** Deaths in a row after which the optimizers wait for a trigger. */
const DEATHS_MAX = 3;

/** What the decision is made from. */
export interface StartOptions {
  mode: OptimizersStart;
  counter: DeathCounter | undefined;
  /** True when the storage must not be written. */
  isBroken(): boolean;
  /** The count could not be written; optimizations go on without it. */
  onFailure(error: unknown): void;
}

/**
 * Whether the optimizers begin by themselves. A process that dies while it optimizes leaves a mark:
 * after a few of them in a row the next one waits for a trigger, so that a store which kills its
 * process can still be opened, read and mended.
 *
 * The mark costs one synced write, before the first run; a run that succeeds takes it back for good.
 */
export class OptimizerStart {
  readonly #options: StartOptions;
  /** Deaths before this process. */
  #deaths = 0;
  /** What the counter holds. */
  #stored = 0;
  /** While runs are under way that may be the death of us. */
  #mark: Promise<void> | undefined;
  #isProven = false;
  #isOpen = false;
  #hasRun = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: StartOptions) {
    this.#options = options;
  }

  /** Why the optimizers wait for a trigger; undefined when they begin by themselves. */
  get heldBecause(): string | undefined {
    if (this.#deaths >= DEATHS_MAX) {
      return `the process died ${this.#deaths} times in a row while it was optimizing`;
    }
    if (this.#options.mode === 'onTrigger') return "the option optimizersStart is 'onTrigger'";
    return undefined;
  }

  /** The segments have been opened. A reopening is no death: the process is still there. */
  async open(): Promise<void> {
    this.#stored = (await this.#options.counter?.read()) ?? 0;
    if (!this.#isOpen) this.#deaths = this.#stored;
    this.#isOpen = true;
    this.#mark = undefined;
  }

  /** To be awaited before a run freezes anything; undefined when there is nothing to wait for. */
  beforeRun(): Promise<void> | undefined {
    this.#hasRun = true;
    if (this.#options.counter === undefined || this.#isProven) return undefined;
    this.#mark ??= this.#write(this.#deaths + 1, true);
    return this.#mark;
  }

  /** A run has ended; `isLast`: no other is under way. */
  runEnded(isDone: boolean, isLast: boolean): void {
    if (isDone) {
      this.#isProven = true;
      this.#deaths = 0;
    } else if (!isLast) {
      return;
    }
    if (this.#mark === undefined) return;
    this.#mark = undefined;
    void this.#write(this.#deaths, false).catch(this.#options.onFailure);
  }

  /** The store is about to be closed in good order, which says nothing if nothing has run. */
  async close(): Promise<void> {
    if (!this.#hasRun) return;
    this.#deaths = 0;
    this.#mark = undefined;
    if (this.#isOpen) await this.#write(0, false).catch(this.#options.onFailure);
  }

  /** One after the other. Rejects only with errors after which a run must not begin. */
  #write(count: number, sync: boolean): Promise<void> {
    const { counter, isBroken, onFailure } = this.#options;
    const write = async () => {
      if (counter === undefined || isBroken() || count === this.#stored) return;
      try {
        await counter.write(count, { sync });
        this.#stored = count;
      } catch (error) {
        if (isSticky(error)) throw error;
        onFailure(error);
      }
    };
    const written = this.#writing.then(write);
    this.#writing = written.catch(() => {
      // Whoever asked for this write hears of it; the next one is tried all the same.
    });
    return written;
  }
}

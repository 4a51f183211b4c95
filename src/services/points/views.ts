import { abortedByCaller, throwIfAborted } from '../../errors.js';
import { type Clock, sleep } from '../clock.js';
import { Pace } from './pace.js';
import type { PointState } from './state.js';
import { View } from './view.js';

/** The options of reads that look at many points. */
export interface ReadOptions {
  /** Stops the read: it rejects with `SLUICE_ABORTED`. */
  signal?: AbortSignal | undefined;
}

/** Takes views for readers, and knows how many are open. */
export class Views {
  readonly #clock: Clock;
  #open = 0;
  readonly #idleWaiters = new Set<AbortController>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Views that were taken and not released. */
  get open(): number {
    return this.#open;
  }

  /** The points as of now. Release it in `finally`. */
  take({ applied, list, schema }: PointState): View {
    this.#open += 1;
    return new View(applied, list.all, schema, () => this.#release());
  }

  /** Runs a read on a view of its own, in slices. */
  async read<Result>(
    state: PointState,
    { signal }: ReadOptions,
    job: (view: View, pace: Pace) => Promise<Result>,
  ): Promise<Result> {
    let view: View | undefined;
    try {
      // A small read would be done before it looks at its signal.
      if (signal !== undefined) throwIfAborted(signal);
      view = this.take(state);
      return await job(view, new Pace(this.#clock, signal));
    } catch (error) {
      throw abortedByCaller(error, signal);
    } finally {
      view?.release();
    }
  }

  /** Waits until no view is open, at most so long; false when one still is. */
  async idle(limitMs: number): Promise<boolean> {
    if (this.#open > 0) {
      const waiter = new AbortController();
      this.#idleWaiters.add(waiter);
      await sleep(this.#clock, limitMs, waiter.signal);
      this.#idleWaiters.delete(waiter);
    }
    return this.#open === 0;
  }

  #release(): void {
    this.#open -= 1;
    if (this.#open > 0) return;
    for (const waiter of this.#idleWaiters) waiter.abort();
  }
}

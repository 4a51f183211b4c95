import { throwIfAborted } from '../../errors.js';
import type { Clock } from '../clock.js';

/** How long a job may keep the event loop before it lets others run. */
const SLICE_MS = 2;

/** Rows between two looks at the clock; a power of two. */
const ROWS_PER_LOOK = 64;

/**
 * Cuts a long job on the main thread into slices of about 2 ms:
 * `if (pace.isDue()) await pace.rest()` in its loop.
 */
export class Pace {
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  #sliceEnd: number;
  #steps = 0;

  /** With a signal, `rest` throws `SLUICE_CANCELLED` once it has fired. */
  constructor(clock: Clock, signal?: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    this.#sliceEnd = clock.now() + SLICE_MS;
  }

  /** Counts a small step; true when the slice is used up. */
  isDue(): boolean {
    this.#steps += 1;
    return (this.#steps & (ROWS_PER_LOOK - 1)) === 0 && this.#clock.now() >= this.#sliceEnd;
  }

  /** Lets the event loop take a turn. */
  async rest(): Promise<void> {
    await this.#clock.yield();
    if (this.#signal !== undefined) throwIfAborted(this.#signal);
    this.#sliceEnd = this.#clock.now() + SLICE_MS;
  }
}

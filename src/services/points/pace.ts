import { throwIfAborted } from '../../errors.js';
import type { Clock } from '../clock.js';

/** How long a job may keep the event loop before it lets others run. */
const SLICE_MS = 2;

/** Rows between two looks at the clock; a power of two. */
export const ROWS_PER_LOOK = 64;

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

  /** Small steps so far: for a read, the rows it has looked at and those it has added to indexes. */
  get steps(): number {
    return this.#steps;
  }

  /** Counts a small step; true when the slice is used up. */
  isDue(): boolean {
    this.#steps += 1;
    return (this.#steps & (ROWS_PER_LOOK - 1)) === 0 && this.isOver();
  }

  /** Counts small steps that were taken in one go. */
  count(steps: number): void {
    this.#steps += steps;
  }

  /** True when the slice is used up: for steps that are worth a look at the clock each. */
  isOver(): boolean {
    const left = this.#sliceEnd - this.#clock.now();
    // More left than a slice has: the clock was set back.
    return left <= 0 || left > SLICE_MS;
  }

  /** Lets the event loop take a turn. */
  async rest(): Promise<void> {
    await this.#clock.yield();
    if (this.#signal !== undefined) throwIfAborted(this.#signal);
    this.#sliceEnd = this.#clock.now() + SLICE_MS;
  }
}

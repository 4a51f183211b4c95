import type { Clock } from '#sluice/services/clock.js';

interface Timer {
  at: number;
  order: number;
  callback: () => void;
}

/**
 * A clock that stands still until it is told to go on. Timers run one by one, the earliest first,
 * those of one time in the order in which they were set; a run depends on nothing else.
 */
export class VirtualClock implements Clock {
  #now: number;
  #order = 0;
  readonly #timers = new Map<number, Timer>();

  constructor(startMs = 0) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, delayMs: number): number {
    this.#order += 1;
    const at = this.#now + Math.max(0, delayMs);
    this.#timers.set(this.#order, { at, order: this.#order, callback });
    return this.#order;
  }

  clearTimeout(timer: unknown): void {
    if (typeof timer === 'number') this.#timers.delete(timer);
  }

  /** A timer of no time at all, so that its turn is part of the order. */
  yield(): Promise<void> {
    return new Promise((resolve) => this.setTimeout(resolve, 0));
  }

  /** Timers that have not run. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer; undefined when there is none. */
  get nextMs(): number | undefined {
    const next = this.#next();
    return next === undefined ? undefined : next.at - this.#now;
  }

  /** Goes on to the next timer and runs it; false when there is none. */
  step(): boolean {
    const next = this.#next();
    if (next === undefined) return false;
    this.#timers.delete(next.order);
    this.#now = next.at;
    next.callback();
    return true;
  }

  /** Goes on by `ms`; what each timer sets in motion settles before the next one runs. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    while ((this.nextMs ?? Number.POSITIVE_INFINITY) <= until - this.#now) {
      this.step();
      await settle();
    }
    this.#now = until;
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers.values()) {
      if (next === undefined || timer.at < next.at) next = timer;
    }
    return next;
  }
}

/** Resolves when every promise that can go on without time or I/O has done so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

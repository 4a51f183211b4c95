import { type Clock, systemClock, type TimerHandle } from '../../services/clock.js';

/** Time that goes so many times faster: back-offs of the core pass in no time beside real I/O. */
export class HastenedClock implements Clock {
  readonly #times: number;
  readonly #start = systemClock.now();
  readonly #timers = new Set<TimerHandle>();
  #isStopped = false;

  constructor(times: number) {
    this.#times = times;
  }

  now(): number {
    return this.#start + (systemClock.now() - this.#start) * this.#times;
  }

  readonly setTimeout = (callback: () => void, delayMs: number): TimerHandle => {
    if (this.#isStopped) return undefined;
    const timer = systemClock.setTimeout(() => {
      this.#timers.delete(timer);
      callback();
    }, delayMs / this.#times);
    this.#timers.add(timer);
    return timer;
  };

  clearTimeout(timer: TimerHandle): void {
    this.#timers.delete(timer);
    systemClock.clearTimeout(timer);
  }

  yield(): Promise<void> {
    return systemClock.yield();
  }

  /** No timer fires any more, as in a process that has died. */
  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#timers) systemClock.clearTimeout(timer);
    this.#timers.clear();
  }
}

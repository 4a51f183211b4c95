import { type Clock, systemClock } from '../../services/clock.js';

interface Timer {
  at: number;
  callback: () => void;
}

/** A clock that stands still until it is told to fire the next timer; those of one time in their order. */
export class StepClock implements Clock {
  #now: number;
  readonly #turn: () => Promise<void>;
  readonly #timers = new Set<Timer>();

  /** `turn`: what a `yield` waits for; by default a turn of the real event loop. */
  constructor(startMs = 1_000_000, turn = () => systemClock.yield()) {
    this.#now = startMs;
    this.#turn = turn;
  }

  now(): number {
    return this.#now;
  }

  readonly setTimeout = (callback: () => void, delayMs: number): Timer => {
    const timer = { at: this.#now + Math.max(delayMs, 0), callback };
    this.#timers.add(timer);
    return timer;
  };

  readonly clearTimeout = (timer: unknown): void => {
    this.#timers.delete(timer as Timer);
  };

  /** Lets promises go on, and takes no time. */
  yield(): Promise<void> {
    return this.#turn();
  }

  /** Timers that are set and have not fired. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer; undefined when there is none. */
  get nextMs(): number | undefined {
    const next = this.#next();
    return next === undefined ? undefined : next.at - this.#now;
  }

  /** Moves time on to the next timer and fires it; false when there is none. */
  fireNext(): boolean {
    const next = this.#next();
    if (next === undefined) return false;
    this.#timers.delete(next);
    this.#now = Math.max(this.#now, next.at);
    next.callback();
    return true;
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (first === undefined || timer.at < first.at) first = timer;
    }
    return first;
  }
}

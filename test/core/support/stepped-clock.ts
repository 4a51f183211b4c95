import type { Clock } from '#sluice/services/clock.js';

interface Timer {
  at: number;
  callback: () => void;
}

/** Lets everything that can go on without a timer go on. */
export async function settle(turns = 3): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** A clock that stands still until a test moves it; timers fire one by one, in their order. */
export class SteppedClock implements Clock {
  #now = 1_000_000;
  readonly #timers = new Set<Timer>();

  /** Timers that are set and have not fired. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    const timer = { at: this.#now + Math.max(delayMs, 0), callback };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as Timer);
  }

  yield(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Moves time on by `durationMs`; what timers set going settles before the next one fires. */
  async advance(durationMs: number): Promise<void> {
    const end = this.#now + durationMs;
    await settle();
    for (let next = this.#next(); next !== undefined && next.at <= end; next = this.#next()) {
      await this.#fire(next);
    }
    this.#now = end;
  }

  /** Moves time on, timer by timer, until the condition holds; throws after `limitMs`. */
  async until(condition: () => boolean, limitMs = 120_000): Promise<void> {
    const end = this.#now + limitMs;
    for (;;) {
      await settle();
      if (condition()) return;
      const next = this.#next();
      if (next === undefined || next.at > end) {
        throw new Error(`did not happen within ${limitMs} ms: ${condition}`);
      }
      await this.#fire(next);
    }
  }

  /** Moves time on until the promise has settled, and gives what it gives. */
  async run<T>(promise: Promise<T>, limitMs?: number): Promise<T> {
    let settled = false;
    const done = () => {
      settled = true;
    };
    promise.then(done, done);
    await this.until(() => settled, limitMs);
    return promise;
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (first === undefined || timer.at < first.at) first = timer;
    }
    return first;
  }

  async #fire(timer: Timer): Promise<void> {
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.at);
    timer.callback();
    await settle();
  }
}

import type { Clock } from '../../services/clock.js';
import type { Random } from './random.js';

/** A timer that was set. */
export interface Timer {
  at: number;
  /** Decides among timers of one time. */
  tie: number;
  order: number;
  /** Undefined when it was cleared. */
  callback: (() => void) | undefined;
}

/**
 * Virtual time for a whole run. It goes on from timer to timer, one at a time; which of those that
 * are due at once comes first is drawn from the seed.
 */
export class VirtualTime {
  readonly #random: Random;
  readonly #heap: Timer[] = [];
  #now = 0;
  #order = 0;
  #steps = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get now(): number {
    return this.#now;
  }

  /** Timers that have run. */
  get steps(): number {
    return this.#steps;
  }

  /** Time that passes without a timer: work takes time, too. */
  pass(ms: number): void {
    this.#now += ms;
  }

  set(callback: () => void, delayMs: number): Timer {
    this.#order += 1;
    const at = this.#now + Math.max(0, delayMs);
    const timer = { at, tie: this.#random.next(), order: this.#order, callback };
    this.#push(timer);
    return timer;
  }

  clear(timer: Timer): void {
    timer.callback = undefined;
  }

  /** Runs the next timer; false when there is none. */
  step(): boolean {
    for (;;) {
      const timer = this.#pop();
      if (timer === undefined) return false;
      const { callback } = timer;
      if (callback === undefined) continue;
      timer.callback = undefined;
      this.#now = Math.max(this.#now, timer.at);
      this.#steps += 1;
      callback();
      return true;
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(timer, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): Timer | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      if (left === undefined) break;
      const right = heap[2 * at + 2];
      const isRight = right !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (isBefore(last, child)) break;
      heap[at] = child;
      at = 2 * at + (isRight ? 2 : 1);
    }
    heap[at] = last;
    return top;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at !== b.at ? a.at < b.at : a.tie !== b.tie ? a.tie < b.tie : a.order < b.order;
}

/** The clock of one process: when the process dies, its timers never run. */
export class ProcessClock implements Clock {
  readonly #time: VirtualTime;
  readonly #random: Random;
  /** Chance that a look at the clock shows that work has taken a while. */
  readonly #busy: number;
  readonly #timers = new Set<Timer>();
  #isDead = false;

  constructor(time: VirtualTime, random: Random, busy: number) {
    this.#time = time;
    this.#random = random;
    this.#busy = busy;
  }

  now(): number {
    if (this.#busy > 0 && !this.#isDead && this.#random.chance(this.#busy)) {
      this.#time.pass(this.#random.between(1, 10));
    }
    return this.#time.now;
  }

  readonly setTimeout = (callback: () => void, delayMs: number): Timer | undefined => {
    if (this.#isDead) return undefined;
    const timer = this.#time.set(() => {
      this.#timers.delete(timer);
      callback();
    }, delayMs);
    this.#timers.add(timer);
    return timer;
  };

  clearTimeout(timer: unknown): void {
    if (this.#timers.delete(timer as Timer)) this.#time.clear(timer as Timer);
  }

  yield(): Promise<void> {
    return new Promise((resolve) => void this.setTimeout(resolve, 0));
  }

  /** Timers that have not run. */
  get pending(): number {
    return this.#timers.size;
  }

  /** The process is gone. */
  die(): void {
    this.#isDead = true;
    for (const timer of this.#timers) this.#time.clear(timer);
    this.#timers.clear();
  }
}

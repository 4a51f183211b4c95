import { assert, SluiceError } from '../errors.js';

/** A share of a budget, in hand until it is released. */
export interface Permit {
  /** Units held; at most what was asked for, at least half of it. */
  readonly count: number;
  /** Gives the units back and wakes who waits. Only the first call counts. */
  release(): void;
}

/** How a budget stands. */
export interface BudgetStatus {
  total: number;
  used: number;
  /** Requests in the queue. */
  waiting: number;
}

interface Waiter {
  desired: number;
  grant(permit: Permit): void;
}

/**
 * A fixed number of permits that optimizations share; one budget for I/O, one for processors.
 * A request is served with all it wants, or with at least half of it (of the total, when it
 * wants more than there is): a task with too few threads would hold its segments for long.
 *
 * Requests are served in the order they came and woken by releases. Nobody overtakes the queue,
 * so a large request is never starved by small ones; it never waits for more than half the total,
 * so it is served at the latest when everything is free.
 * @see Qdrant `resource_budget.rs`; there waiting is polling
 */
export class ResourceBudget {
  readonly #total: number;
  #available: number;
  // A Set keeps the order of arrival and forgets an aborted waiter in constant time.
  readonly #waiters = new Set<Waiter>();

  /** `total` units, at least one. */
  constructor(total: number) {
    assertCount('total', total);
    this.#total = total;
    this.#available = total;
  }

  /** The least that a request for `desired` units is served with. */
  minPermits(desired: number): number {
    return Math.ceil(Math.min(desired, this.#total) / 2);
  }

  /** True when `tryAcquire(desired)` would succeed; wanting nothing is always possible. */
  hasBudget(desired: number): boolean {
    if (desired === 0) return true;
    return this.#waiters.size === 0 && this.#available >= this.minPermits(desired);
  }

  /** A permit for at most `desired` units, or undefined when there are too few or others wait. */
  tryAcquire(desired: number): Permit | undefined {
    assertCount('desired', desired);
    return this.hasBudget(desired) ? this.#take(desired) : undefined;
  }

  /**
   * Waits in the queue for a permit. A permit that was granted belongs to the caller, even when
   * the signal fires before the promise's reactions run: release it.
   * Errors: `SLUICE_CANCELLED` when the signal fires first; the place in the queue is given up.
   */
  acquire(desired: number, signal: AbortSignal): Promise<Permit> {
    assertCount('desired', desired);
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#waiters.delete(waiter);
        reject(cancelled(signal));
        // The one that gave up may have been all that kept those behind it waiting.
        this.#serve();
      };
      const waiter: Waiter = {
        desired,
        grant: (permit) => {
          signal.removeEventListener('abort', abort);
          resolve(permit);
        },
      };
      if (signal.aborted) {
        reject(cancelled(signal));
        return;
      }
      signal.addEventListener('abort', abort, { once: true });
      this.#waiters.add(waiter);
      this.#serve();
    });
  }

  /** A plain object, taken now. */
  status(): BudgetStatus {
    const used = this.#total - this.#available;
    return { total: this.#total, used, waiting: this.#waiters.size };
  }

  #serve(): void {
    for (const waiter of this.#waiters) {
      if (this.#available < this.minPermits(waiter.desired)) return;
      this.#waiters.delete(waiter);
      waiter.grant(this.#take(waiter.desired));
    }
  }

  #take(desired: number): Permit {
    const count = Math.min(this.#available, desired);
    assert(count >= this.minPermits(desired) && count > 0, 'a permit holds at least half');
    this.#available -= count;
    let held = true;
    const release = () => {
      if (!held) return;
      held = false;
      this.#available += count;
      assert(this.#available <= this.#total, 'no more permits come back than were given');
      this.#serve();
    };
    return { count, release };
  }
}

function assertCount(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw new TypeError(`${name} must be a positive integer, got ${value}`);
}

function cancelled(signal: AbortSignal): SluiceError {
  if (signal.reason instanceof SluiceError) return signal.reason;
  return new SluiceError('SLUICE_CANCELLED', 'cancelled', { cause: signal.reason });
}

/**
 * Units of a budget on a machine with `cpus` processors. `option` above 0: exactly that many;
 * below 0: all but that many; 0: all but a few that large machines keep free for requests.
 */
export function budgetSize(option: number, cpus: number): number {
  if (option > 0) return option;
  return Math.max(1, cpus - (option < 0 ? -option : unallocatedCpus(cpus)));
}

function unallocatedCpus(cpus: number): number {
  if (cpus <= 2) return 0;
  if (cpus <= 32) return 1;
  if (cpus <= 48) return 2;
  if (cpus <= 64) return 3;
  if (cpus <= 96) return 4;
  if (cpus <= 128) return 6;
  return Math.floor(cpus / 16);
}

/**
 * Threads that one optimization wants for indexing: `option`, or with 0 as many as still help on
 * `cpus` processors (all up to 8, 12 above 48 processors, 16 above 64).
 */
export function indexingThreads(option: number, cpus: number): number {
  if (option > 0) return option;
  const useful = cpus <= 48 ? 8 : cpus <= 64 ? 12 : 16;
  return Math.max(1, Math.min(cpus, useful));
}

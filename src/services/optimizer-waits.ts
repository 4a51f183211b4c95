import type { Unoptimized } from '../types.js';
import type { Ticket } from './ticket.js';

interface Waiter {
  ticket: Ticket;
  opNum: number;
  affected: number;
  /** The segments that got the operation's entries, or their successors; undefined: every one. */
  segments: Set<number> | undefined;
}

/**
 * Callers who wait until the optimizers are through with what they wrote. Nobody is remembered but
 * them: a swap moves their wait to the output at once, so that nothing is kept of runs that ended.
 */
export class OptimizerWaits {
  readonly #waiters = new Set<Waiter>();
  readonly #watchers = new Set<{ isBegun: boolean; done: () => void }>();

  /** How many wait. */
  get count(): number {
    return this.#waiters.size;
  }

  /** An operation has been applied; its caller is answered by a later `look`. */
  add(
    ticket: Ticket,
    { opNum, affected }: { opNum: number; affected: number },
    segments: readonly number[] | undefined,
  ): void {
    const waiter = { ticket, opNum, affected, segments: segments && new Set(segments) };
    this.#waiters.add(waiter);
    ticket.onLeave(() => this.#waiters.delete(waiter));
  }

  /** A swap has put `output` in the place of `sources`; undefined: the store doesn't tell. */
  replaced(sources: readonly number[], output: readonly number[] | undefined): void {
    for (const waiter of this.#waiters) {
      const { segments } = waiter;
      if (segments === undefined || !sources.some((id) => segments.has(id))) continue;
      for (const id of sources) segments.delete(id);
      if (output === undefined) waiter.segments = undefined;
      else for (const id of output) segments.add(id);
    }
  }

  /**
   * Answers whoever waits for nothing in `wanted` (the segments that are planned, running or
   * backing off), and with `nothingStarts` everyone, because waiting would not help.
   */
  look(wanted: ReadonlySet<number>, nothingStarts: Unoptimized | undefined): void {
    for (const waiter of [...this.#waiters]) {
      const { ticket, opNum, affected, segments } = waiter;
      const isWanted = segments === undefined ? wanted.size > 0 : overlap(segments, wanted);
      if (isWanted && nothingStarts === undefined) continue;
      this.#waiters.delete(waiter);
      const outcome = isWanted ? { optimized: false, reason: nothingStarts } : { optimized: true };
      ticket.completed(opNum, affected, outcome);
    }
  }

  /** Answers everyone with this error. */
  refuse(error: unknown): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const { ticket } of waiters) ticket.failed(error);
    this.passBegins();
    this.passed();
  }

  /** A pass of the scheduler begins. */
  passBegins(): void {
    for (const watcher of this.#watchers) watcher.isBegun = true;
  }

  /** The pass has come to its end: the optimizers have been asked, and what they want is prepared. */
  passed(): void {
    const begun = [...this.#watchers].filter(({ isBegun }) => isBegun);
    for (const { done } of begun) done();
  }

  /** Resolves when a pass that begins after this call has ended well; `signal` ends the wait, too. */
  nextPass(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done);
        this.#watchers.delete(watcher);
        resolve();
      };
      const watcher = { isBegun: false, done };
      this.#watchers.add(watcher);
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted) done();
    });
  }
}

function overlap(segments: ReadonlySet<number>, wanted: ReadonlySet<number>): boolean {
  for (const id of segments) if (wanted.has(id)) return true;
  return false;
}

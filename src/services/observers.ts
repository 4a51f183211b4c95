import type { Clock } from './clock.js';
import type { RunEnd } from './optimization-run.js';
import type { SubmitResult } from './ticket.js';

/** Whoever counts what happens in a store. Called at once: it must be quick and never throw. */
export interface StoreObserver {
  /** The update worker has come to an operation, also of a replay; `retried`: it failed for now. */
  onOperation(kind: string, result: 'applied' | 'declined' | 'retried'): void;
  /** A caller has been answered `ms` milliseconds after submitting, or refused with `error`. */
  onAnswer(kind: string, ms: number, answer: SubmitResult['status'] | { error: unknown }): void;
  /** A flush round has ended; `error`: it failed. */
  onFlush(ms: number, error?: unknown): void;
  /** A run of an optimizer has ended. */
  onOptimization(optimizer: string, ms: number, end: RunEnd): void;
}

/** The observers of a store: mostly none, which costs nothing. */
export class Observers {
  readonly #observers = new Set<StoreObserver>();

  get isEmpty(): boolean {
    return this.#observers.size === 0;
  }

  /** Returns what takes it away again. */
  add(observer: StoreObserver): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  /** Calls this with each of them. */
  tell(call: (observer: StoreObserver) => void): void {
    for (const observer of this.#observers) call(observer);
  }

  /** Tells them how long this answer takes from now on, and what it is. */
  tellAnswer(answer: Promise<SubmitResult>, kind: string, clock: Clock): void {
    const submittedAt = clock.now();
    const tell = (what: SubmitResult['status'] | { error: unknown }) => {
      const ms = clock.now() - submittedAt;
      this.tell((each) => each.onAnswer(kind, ms, what));
    };
    answer.then(
      ({ status }) => tell(status),
      (error) => tell({ error }),
    );
  }
}

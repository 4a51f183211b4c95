import { SluiceError } from '../errors.js';

/** Something that a worker has set going and that has not settled. */
interface RunningEffect {
  readonly controller: AbortController;
  settled: Promise<unknown>;
}

/**
 * Everything that a worker has set going. A worker that crashes leaves its effects behind: they are
 * aborted together, and its successor starts when they have settled.
 */
export class Incarnations<Owner extends string> {
  readonly #owners = new Map<Owner, Set<RunningEffect>>();

  /**
   * Runs an effect on behalf of a worker. It is aborted by `signal` and by `abort(owner)`.
   * Returns the effect's own promise.
   */
  run<T>(owner: Owner, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const running = this.#of(owner);
    const controller = new AbortController();
    const effect: RunningEffect = { controller, settled: Promise.resolve() };
    const abort = () => controller.abort(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    // Before it begins, because it may itself be what ends its worker.
    running.add(effect);
    const settled = (async () => work(controller.signal))().finally(() => {
      signal.removeEventListener('abort', abort);
      running.delete(effect);
    });
    effect.settled = settled;
    return settled;
  }

  /** Aborts all that a worker has going; what it starts afterwards is not affected. */
  abort(owner: Owner, why: string): void {
    const cancelled = new SluiceError('SLUICE_CANCELLED', why);
    for (const { controller } of [...this.#of(owner)]) controller.abort(cancelled);
  }

  abortAll(why: string): void {
    for (const owner of this.#owners.keys()) this.abort(owner, why);
  }

  /** Resolves when nothing that these workers have set going is left. */
  async settled(...owners: readonly Owner[]): Promise<void> {
    for (const owner of owners) {
      const running = this.#of(owner);
      while (running.size > 0) await Promise.allSettled([...running].map((one) => one.settled));
    }
  }

  #of(owner: Owner): Set<RunningEffect> {
    const running = this.#owners.get(owner) ?? new Set();
    this.#owners.set(owner, running);
    return running;
  }
}

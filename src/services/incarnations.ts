import { SluiceError } from '../errors.js';

/**
 * Everything that a worker has set going. A worker that crashes leaves its effects behind: they are
 * aborted together, and its successor starts when they have settled.
 */
export class Incarnations<Owner extends string> {
  readonly #owners = new Map<
    Owner,
    { controller: AbortController; running: Set<Promise<unknown>> }
  >();

  /**
   * Runs an effect on behalf of a worker. It is aborted by `signal` and by `abort(owner)`.
   * Returns the effect's own promise.
   */
  run<T>(owner: Owner, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { controller, running } = this.#of(owner);
    const both = new AbortController();
    const abort = () => both.abort(controller.signal.reason ?? signal.reason);
    if (signal.aborted || controller.signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    controller.signal.addEventListener('abort', abort, { once: true });
    const settled = (async () => work(both.signal))().finally(() => {
      signal.removeEventListener('abort', abort);
      controller.signal.removeEventListener('abort', abort);
      running.delete(settled);
    });
    running.add(settled);
    return settled;
  }

  /** Aborts all that a worker has going; what it starts afterwards is not affected. */
  abort(owner: Owner, why: string): void {
    const incarnation = this.#of(owner);
    incarnation.controller.abort(new SluiceError('SLUICE_CANCELLED', why));
    incarnation.controller = new AbortController();
  }

  abortAll(why: string): void {
    for (const owner of this.#owners.keys()) this.abort(owner, why);
  }

  /** Resolves when nothing that these workers have set going is left. */
  async settled(...owners: readonly Owner[]): Promise<void> {
    for (const owner of owners) {
      const { running } = this.#of(owner);
      while (running.size > 0) await Promise.allSettled(running);
    }
  }

  #of(owner: Owner) {
    let incarnation = this.#owners.get(owner);
    if (incarnation === undefined) {
      incarnation = { controller: new AbortController(), running: new Set() };
      this.#owners.set(owner, incarnation);
    }
    return incarnation;
  }
}

import { SluiceError } from '../errors.js';

/** Something that a worker has set going. */
export class RunningEffect<T = unknown> {
  #controller: AbortController | undefined;
  /** Why it was aborted. */
  #reason: SluiceError | undefined;
  #onAbort: ((reason: SluiceError) => void) | undefined;
  #hasEnded = false;
  /** What it comes to; undefined while it begins. */
  settled: Promise<T> | undefined;

  /** It has settled: nothing aborts it any more. */
  end(): void {
    this.#hasEnded = true;
  }

  get aborted(): boolean {
    return this.#reason !== undefined;
  }

  /** Fires when the effect is aborted. Made when it is first asked for: most effects never look. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /**
   * Calls `callback` when the effect is aborted, at once if it has been. One callback an effect; it
   * must not throw, because others are to be aborted, too.
   */
  whenAborted(callback: (reason: SluiceError) => void): void {
    if (this.#reason !== undefined) callback(this.#reason);
    else this.#onAbort = callback;
  }

  /** Does nothing when it has settled or was aborted before. */
  abort(reason: SluiceError): void {
    if (this.#hasEnded || this.#reason !== undefined) return;
    this.#reason = reason;
    this.#onAbort?.(reason);
    this.#controller?.abort(reason);
  }
}

/**
 * Everything that a worker has set going. A worker that crashes leaves its effects behind: they are
 * aborted together, and its successor starts when they have settled.
 */
export class Incarnations<Owner extends string> {
  readonly #owners = new Map<Owner, Set<RunningEffect>>();

  /** Begins an effect on behalf of a worker, which `abort(owner)` aborts with it. */
  run<T>(owner: Owner, work: (effect: RunningEffect) => Promise<T> | T): RunningEffect<T> {
    const running = this.#of(owner);
    const effect = new RunningEffect<T>();
    // Before it begins, because it may itself be what ends its worker.
    running.add(effect);
    const end = () => {
      effect.end();
      running.delete(effect);
    };
    // Neither async nor finally: each would put off by some turns what half of all events wait for.
    effect.settled = begin(effect, work).then(
      (output) => {
        end();
        return output;
      },
      (error) => {
        end();
        throw error;
      },
    );
    return effect;
  }

  /** Aborts all that a worker has going; what it starts afterwards is not affected. */
  abort(owner: Owner, why: string): void {
    const cancelled = new SluiceError('SLUICE_CANCELLED', why);
    for (const effect of [...this.#of(owner)]) effect.abort(cancelled);
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

function begin<T>(
  effect: RunningEffect<T>,
  work: (effect: RunningEffect) => Promise<T> | T,
): Promise<T> {
  try {
    return Promise.resolve(work(effect));
  } catch (error) {
    return Promise.reject(error);
  }
}

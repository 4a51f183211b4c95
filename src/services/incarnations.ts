import { SluiceError } from '../errors.js';

/** Something that a worker has set going and that has not settled. */
export class RunningEffect {
  readonly #outer: AbortSignal;
  #controller: AbortController | undefined;
  /** Why its worker has aborted it. */
  #reason: SluiceError | undefined;
  #hasEnded = false;
  settled: Promise<unknown> = Promise.resolve();

  constructor(outer: AbortSignal) {
    this.#outer = outer;
  }

  get aborted(): boolean {
    return this.#reason !== undefined || this.#outer.aborted;
  }

  /** Fires when the effect is aborted. Made when it is first asked for: most effects never look. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.aborted) this.#controller.abort(this.#reason ?? this.#outer.reason);
      else if (!this.#hasEnded) this.#outer.addEventListener('abort', this.#follow, { once: true });
    }
    return this.#controller.signal;
  }

  abort(reason: SluiceError): void {
    if (!this.aborted) this.#reason = reason;
    this.#controller?.abort(reason);
  }

  /** It has settled: nobody listens any more. */
  end(): void {
    this.#hasEnded = true;
    this.#outer.removeEventListener('abort', this.#follow);
  }

  readonly #follow = () => this.#controller?.abort(this.#outer.reason);
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
  run<T>(
    owner: Owner,
    signal: AbortSignal,
    work: (effect: RunningEffect) => Promise<T>,
  ): Promise<T> {
    const running = this.#of(owner);
    const effect = new RunningEffect(signal);
    // Before it begins, because it may itself be what ends its worker.
    running.add(effect);
    const settled = (async () => work(effect))().finally(() => {
      effect.end();
      running.delete(effect);
    });
    effect.settled = settled;
    return settled;
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

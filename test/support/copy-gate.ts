import { SluiceError, throwIfAborted } from '#sluice/errors.js';

/** The module that the gate stands in. */
export type BuildThread = typeof import('#sluice/services/optimizers/build-thread.js');

/**
 * Stands where an optimization has copied the vectors of its sources and has not yet written its
 * output: changes that come then must be carried over, or must survive its end. A test mounts it:
 *
 * vi.mock('#sluice/services/optimizers/build-thread.js', async (original) => {
 *   const { copyGate } = await import('../support/copy-gate.js');
 *   return copyGate.around(await original<BuildThread>());
 * });
 */
class CopyGate {
  /** Copies made since the last `reset`. */
  copies = 0;
  /** Copies are made by real threads that run this script, when it is set. */
  workerUrl: URL | undefined;
  #isClosed = false;
  #failure: SluiceError | undefined;
  readonly #held = new Set<() => void>();
  readonly #watchers = new Set<() => void>();

  around(module: BuildThread): BuildThread {
    const gated: BuildThread['copyRows'] = async (job, options) => {
      const { workerUrl } = this;
      const thread = workerUrl === undefined ? {} : { workerUrl, inlineBytesMax: 0 };
      await module.copyRows(job, { ...options, ...thread });
      this.copies += 1;
      await this.#pass(options.signal);
    };
    return { ...module, copyRows: gated };
  }

  /** Optimizations stop here from now on. */
  close(): void {
    this.#isClosed = true;
    this.#failure = undefined;
  }

  /** Lets those that stand here, and those to come, go on. */
  open(): void {
    this.#isClosed = false;
    this.#release();
  }

  /** Those that stand here fail as if their thread had died; later ones pass. */
  fail(): void {
    this.#failure = new SluiceError('SLUICE_THREAD', 'the build thread failed: killed by a test');
    this.#isClosed = false;
    this.#release();
    this.#failure = undefined;
  }

  reset(): void {
    this.open();
    this.workerUrl = undefined;
    this.copies = 0;
  }

  /** How many optimizations stand here. */
  get waiting(): number {
    return this.#held.size;
  }

  /** Resolves when an optimization stands here. */
  async reached(): Promise<void> {
    while (this.#held.size === 0) {
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
      this.#watchers.clear();
    }
  }

  async #pass(signal: AbortSignal): Promise<void> {
    if (!this.#isClosed) return;
    // An abort that has come already is told to nobody who begins to listen now.
    throwIfAborted(signal);
    const failure = await new Promise<SluiceError | undefined>((resolve) => {
      const leave = () => {
        this.#held.delete(leave);
        signal.removeEventListener('abort', leave);
        resolve(this.#failure);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#held.add(leave);
      for (const watch of this.#watchers) watch();
    });
    throwIfAborted(signal);
    if (failure !== undefined) throw failure;
  }

  #release(): void {
    for (const leave of [...this.#held]) leave();
  }
}

/** The gate of this test file. */
export const copyGate = new CopyGate();

import type { Clock, TimerHandle } from './clock.js';
import type { WalTail } from './wal-tail.js';

/**
 * One applier's waiting for the tail to change. There may be one wait for each operation, so that
 * one listener and one timer, which is armed again when it fires too early, serve all of them.
 */
export class TailWatch {
  readonly #tail: Pick<WalTail, 'onChange'>;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #onAbort = () => this.#wake();
  #wake: () => void = () => {};
  #endsAt = 0;
  #timer: TimerHandle | undefined;

  constructor(tail: Pick<WalTail, 'onChange'>, clock: Clock, signal: AbortSignal) {
    this.#tail = tail;
    this.#clock = clock;
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Resolves when the tail changes, the signal fires, or after `limitMs`. */
  async changed(limitMs?: number): Promise<void> {
    if (this.#signal.aborted) return;
    const changed = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#tail.onChange(this.#wake);
    if (limitMs !== undefined) {
      this.#endsAt = this.#clock.now() + limitMs;
      if (this.#timer === undefined) this.#arm(limitMs);
    }
    await changed;
    this.#tail.onChange(undefined);
  }

  /** Leaves neither listener nor timer behind. */
  end(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(delayMs: number): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      // Positive when there has been work since; no longer than before if the clock was set back.
      const leftMs = Math.min(this.#endsAt - this.#clock.now(), delayMs);
      if (leftMs > 0) this.#arm(leftMs);
      else this.#wake();
    }, delayMs);
  }
}

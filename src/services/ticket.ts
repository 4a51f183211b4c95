import { SluiceError } from '../errors.js';
import type { Unoptimized, WaitLevel } from '../types.js';
import type { Clock, TimerHandle } from './clock.js';
import { badOption, type OptionCheck } from './option-checks.js';

/** What became of a submitted operation. */
export interface SubmitResult {
  opNum: number;
  /**
   * `acknowledged`: in the log. `completed`: synced and applied. `waitTimeout`: handed over to the
   * log, and the caller's patience ended; the operation goes on.
   */
  status: 'acknowledged' | 'completed' | 'waitTimeout';
  /** Entries touched; only with `completed`. */
  affected?: number;
  /** Only with `completed` and `wait: 'optimized'`; see `UpdateResult`. */
  optimized?: boolean;
  /** Why nothing will be optimized, when `optimized` is false. */
  reason?: Unoptimized;
}

/** What `wait` may be. Throws `SLUICE_BAD_OPTION`. */
export const waitOption: OptionCheck<WaitLevel> = (value, name) => {
  if (typeof value === 'boolean' || value === 'optimized') return value;
  throw badOption(name, "true, false or 'optimized'", value);
};

/** How long and for what a caller waits. */
export interface SubmitOptions {
  /**
   * `true`: answer when synced and applied; `false`: when the log has it; `'optimized'`: when the
   * optimizers are through with the segments that got the entries, too.
   */
  wait: WaitLevel;
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
  /** What kind of operation it is, for observers. @default what the option `kindOf` says */
  kind?: string | undefined;
  /** The operation only frees space: it is accepted when the disk is nearly full. */
  frees?: boolean | undefined;
}

/**
 * One caller's wait for one operation; answered exactly once. Until `handOver` the caller may take
 * the operation back; afterwards an abort or a timeout only ends the waiting.
 */
export class Ticket {
  readonly wait: WaitLevel;
  readonly result: Promise<SubmitResult>;
  #opNum: number | undefined;
  #handedOver = false;
  #settled = false;
  #withdraw: () => void = () => {};
  #leave: () => void = () => {};
  #timer: TimerHandle | undefined;
  readonly #resolve: (result: SubmitResult) => void;
  readonly #reject: (error: unknown) => void;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.#giveUp('the caller aborted');

  constructor(options: SubmitOptions, clock: Clock) {
    this.wait = options.wait;
    this.#clock = clock;
    this.#signal = options.signal;
    let resolve: (result: SubmitResult) => void = () => {};
    let reject: (error: unknown) => void = () => {};
    this.result = new Promise((...settle) => {
      [resolve, reject] = settle;
    });
    this.#resolve = resolve;
    this.#reject = reject;
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (options.timeoutMs !== undefined) {
      const { timeoutMs } = options;
      this.#timer = clock.setTimeout(
        () => this.#giveUp(`no answer within ${timeoutMs} ms`),
        timeoutMs,
      );
    }
    if (this.#signal?.aborted) this.#onAbort();
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Sets what takes the operation back while that is still possible. */
  onWithdraw(withdraw: () => void): void {
    this.#withdraw = withdraw;
  }

  /** Sets what is told when the caller's patience ends, once the operation has been applied. */
  onLeave(leave: () => void): void {
    this.#leave = leave;
  }

  /** The log is about to write the operation. */
  handOver(): void {
    this.#handedOver = true;
  }

  /** The log has the operation. */
  appended(opNum: number): void {
    this.#opNum = opNum;
    if (this.#settled) this.#resolve({ opNum, status: 'waitTimeout' });
    else if (this.wait === false)
      this.#settle(() => this.#resolve({ opNum, status: 'acknowledged' }));
  }

  /** The operation is synced (if its caller waits for that) and applied, and perhaps optimized. */
  completed(
    opNum: number,
    affected: number,
    outcome?: { optimized: boolean; reason?: Unoptimized | undefined },
  ): void {
    const result: SubmitResult = { opNum, status: 'completed', affected };
    if (outcome !== undefined) result.optimized = outcome.optimized;
    if (outcome?.reason !== undefined) result.reason = outcome.reason;
    this.#settle(() => this.#resolve(result));
  }

  /** The operation was declined, or will not be answered any more. */
  failed(error: unknown): void {
    if (this.#settled && this.#opNum === undefined) this.#reject(error);
    this.#settle(() => this.#reject(error));
  }

  #giveUp(reason: string): void {
    if (this.#settled) return;
    if (!this.#handedOver) {
      this.#withdraw();
      this.failed(new SluiceError('SLUICE_ABORTED', `not written: ${reason}`));
      return;
    }
    this.#leave();
    const opNum = this.#opNum;
    // While the append is in flight the number is not known yet: `appended` answers then.
    this.#settle(() => {
      if (opNum !== undefined) this.#resolve({ opNum, status: 'waitTimeout' });
    });
  }

  #settle(answer: () => void): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    answer();
  }
}

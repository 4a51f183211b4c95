import {
  assert,
  isSticky,
  isTransient,
  type SluiceError,
  throwIfAborted,
  toSluiceError,
} from '../errors.js';
import type { Clock } from './clock.js';
import type { Marker } from './group-commit.js';
import type { OperationCodec, SegmentHolder, Wal } from './ports.js';
import { TailWatch } from './tail-watch.js';
import type { WalTail, Windowed } from './wal-tail.js';

/** Whom the applier tells how far it is, and of the signals it meets in the log's order. */
export interface ApplierListener {
  progress(applied: number, caughtUp: boolean): void;
  deliver(marker: Marker): void;
}

/** How a run ended: nothing left, or an operation that must be tried again later. */
export type ApplierOutcome = 'caughtUp' | 'retry';

/** Called with each declined and each failing operation, for status and log. */
export interface ApplierHooks<Op> {
  onApplied(opNum: number, operation: Op): void;
  onDeclined(opNum: number, operation: Op, error: unknown): void;
  onRetry(opNum: number, operation: Op, error: unknown): void;
  /** Told at once, so that nothing more is appended behind what can't be applied. */
  onBroken(error: unknown): void;
  /** Called with each report of progress; wakes the flush worker when much is unwritten. */
  onProgress(): void;
}

/** The event loop gets a turn after this many milliseconds of work. */
const SLICE_MS = 8;
/** The machines hear of progress no more often than this. */
const REPORT_INTERVAL_MS = 50;
/**
 * How long an applier stays for more work before it ends: longer than a slow disk takes to sync, so
 * that a caller who waits for each of his operations doesn't wake the machines with each of them.
 */
const LINGER_MS = 50;

/**
 * Applies the tail of the log: one path for what recovery replays and for live work, in one order,
 * each record once.
 */
export class Applier<Op> {
  readonly #tail: WalTail<Op>;
  readonly #wal: Wal;
  readonly #codec: OperationCodec<Op>;
  readonly #segments: SegmentHolder<Op>;
  readonly #clock: Clock;
  readonly #hooks: ApplierHooks<Op>;
  #reportedAt = 0;
  #reported = 0;
  #sliceEnd = 0;
  #abandonDrain: (reason: SluiceError) => void = () => {};

  constructor(options: {
    tail: WalTail<Op>;
    wal: Wal;
    codec: OperationCodec<Op>;
    segments: SegmentHolder<Op>;
    clock: Clock;
    hooks: ApplierHooks<Op>;
  }) {
    this.#tail = options.tail;
    this.#wal = options.wal;
    this.#codec = options.codec;
    this.#segments = options.segments;
    this.#clock = options.clock;
    this.#hooks = options.hooks;
  }

  /** Works until nothing is left and nothing comes for a moment. */
  run(listener: ApplierListener, signal: AbortSignal): Promise<ApplierOutcome> {
    return this.#work(listener, signal, async (watch) => {
      await watch.changed(LINGER_MS);
      return this.#tail.next() !== undefined;
    });
  }

  /** Works until nothing is left in the log or on its way into it, or the drain is abandoned. */
  drain(listener: ApplierListener, signal: AbortSignal): Promise<ApplierOutcome> {
    const both = new AbortController();
    const stop = () => both.abort(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    this.#abandonDrain = (reason) => both.abort(reason);
    const drained = this.#work(listener, both.signal, async (watch) => {
      if (this.#tail.idle) return false;
      await watch.changed();
      return true;
    });
    return drained.finally(() => signal.removeEventListener('abort', stop));
  }

  /** Makes the drain that is going on, if any, reject with this reason. */
  abandonDrain(reason: SluiceError): void {
    this.#abandonDrain(reason);
  }

  async #work(
    listener: ApplierListener,
    signal: AbortSignal,
    mayContinue: (watch: TailWatch) => Promise<boolean>,
  ): Promise<ApplierOutcome> {
    this.#tail.takeOver();
    const watch = new TailWatch(this.#tail, this.#clock, signal);
    this.#sliceEnd = this.#clock.now() + SLICE_MS;
    try {
      for (;;) {
        throwIfAborted(signal);
        const item = this.#tail.next();
        if (item === undefined) {
          if (this.#isReportDue()) this.#report(listener, true);
          const goesOn = await mayContinue(watch);
          this.#sliceEnd = this.#clock.now() + SLICE_MS;
          if (goesOn) continue;
          // Looked at again without an await before the tail is given back: what came in between
          // found an applier at work and woke nobody.
          if (this.#tail.next() !== undefined) continue;
          this.#report(listener, true);
          if (this.#tail.next() === undefined) return 'caughtUp';
          continue;
        }
        if ('marker' in item) {
          this.#tail.takeMarker();
          listener.deliver(item.marker);
        } else if (!(await this.#applyUpTo(item.to, listener, signal))) {
          // A report tells of progress, which ends a back-off: without any there is none to make.
          if (this.#tail.applied > this.#reported) this.#report(listener, false);
          return 'retry';
        }
      }
    } finally {
      watch.end();
      this.#tail.giveBack();
    }
  }

  /** Applies records in order; false when one must be tried again later. */
  async #applyUpTo(to: number, listener: ApplierListener, signal: AbortSignal): Promise<boolean> {
    while (this.#tail.applied < to) {
      const opNum = this.#tail.applied + 1;
      const windowed = this.#tail.windowed(opNum);
      const more =
        windowed === undefined
          ? await this.#applyFromLog(opNum, to, listener, signal)
          : this.#apply(opNum, windowed);
      if (!more) return false;
      if (this.#clock.now() >= this.#sliceEnd) await this.#pause(listener, signal);
    }
    return true;
  }

  /** Reads records back from the log, until one is in the window again. */
  async #applyFromLog(
    from: number,
    to: number,
    listener: ApplierListener,
    signal: AbortSignal,
  ): Promise<boolean> {
    for await (const { opNum, data } of this.#wal.read(from, to)) {
      throwIfAborted(signal);
      const { applied } = this.#tail;
      const fits = this.#wal.dense ? opNum === applied + 1 : opNum > applied;
      assert(fits, `the log gave record ${opNum} after ${applied}`);
      if (!this.#apply(opNum, { data })) return false;
      if (this.#clock.now() >= this.#sliceEnd) await this.#pause(listener, signal);
      if (this.#tail.windowed(opNum + 1) !== undefined) return true;
    }
    const { applied } = this.#tail;
    // In a log with other writers the last numbers may be missing.
    assert(!this.#wal.dense || applied >= to, `the log has no record ${applied + 1} before ${to}`);
    if (applied < to) this.#tail.advance(to);
    return true;
  }

  #apply(opNum: number, source: Windowed<Op>): boolean {
    const operation = 'operation' in source ? source.operation : this.#decode(opNum, source.data);
    let affected: number;
    try {
      affected = this.#segments.apply(opNum, operation);
    } catch (error) {
      if (isSticky(error)) {
        this.#hooks.onBroken(error);
        throw error;
      }
      if (isTransient(error)) {
        this.#hooks.onRetry(opNum, operation, error);
        return false;
      }
      const declined = toSluiceError(error, 'SLUICE_DECLINED');
      this.#hooks.onDeclined(opNum, operation, declined);
      this.#tail.settle(opNum, { declined });
      return true;
    }
    this.#hooks.onApplied(opNum, operation);
    this.#tail.settle(opNum, { affected });
    return true;
  }

  #decode(opNum: number, data: Uint8Array): Op {
    try {
      return this.#codec.decode(data);
    } catch (error) {
      throw toSluiceError(error, 'SLUICE_DAMAGED', `operation ${opNum} cannot be decoded`);
    }
  }

  async #pause(listener: ApplierListener, signal: AbortSignal): Promise<void> {
    if (this.#isReportDue()) this.#report(listener, false);
    await this.#clock.yield();
    throwIfAborted(signal);
    this.#sliceEnd = this.#clock.now() + SLICE_MS;
  }

  #isReportDue(): boolean {
    return this.#clock.now() - this.#reportedAt >= REPORT_INTERVAL_MS;
  }

  #report(listener: ApplierListener, caughtUp: boolean): void {
    this.#reportedAt = this.#clock.now();
    this.#reported = this.#tail.applied;
    this.#hooks.onProgress();
    listener.progress(this.#tail.applied, caughtUp);
  }
}

import { SluiceError } from '../errors.js';
import type { Change, ChangesOptions } from '../types.js';
import type { TimerHandle } from './clock.js';
import type { KeepFrom } from './keep-from.js';
import { LogReader, type ReaderSource, tooSlow } from './log-reader.js';

/** What the feed needs to know of the log. */
export interface FeedSource<Op> extends ReaderSource<Op> {
  /** Records up to here are forgotten, or about to be. */
  readonly forgotten: number;
  /** Bytes from a record to the last one that may be shown, about. */
  bytesToRead(from: number): number;
  /** Calls `evict`, at once, if somebody waits because the log is full. */
  recheck(): void;
}

/** How long a reader may stand in the way of a full log. */
const GRACE_MS = 1000;

/** The log as a feed: any number of readers, each of which keeps what it has not read yet. */
export class LogFeed<Op> {
  readonly #source: FeedSource<Op>;
  readonly #keepFrom: KeepFrom;
  readonly #readers = new Set<LogReader<Op>>();
  /** Readers that are in the way of a full log, and since when. */
  readonly #slow = new Map<LogReader<Op>, number>();
  /** Those of them that were found so since the last look. */
  readonly #stillSlow = new Set<LogReader<Op>>();
  #timer: TimerHandle | undefined;
  /** Ends readers that nobody can ask any more. */
  readonly #lost = new FinalizationRegistry<LogReader<Op>>((reader) => reader.end());

  constructor(source: FeedSource<Op>, keepFrom: KeepFrom) {
    this.#source = source;
    this.#keepFrom = keepFrom;
  }

  /** Readers that have not ended. */
  get readers(): number {
    return this.#readers.size;
  }

  /** See `UpdateHandler.changes`. Errors: `SLUICE_WAL_TRUNCATED`. */
  changes(options: ChangesOptions): AsyncIterableIterator<Change<Op>> {
    const { forgotten, visible } = this.#source;
    const { from = forgotten + 1, follow = false, signal } = options;
    const hold = this.#keepFrom.holdForReader(from, forgotten);
    const to = follow ? Number.POSITIVE_INFINITY : visible;
    const reader = new LogReader(this.#source, hold, from, to);
    const abort = () => reader.end(cancellation(signal));
    this.#readers.add(reader);
    reader.onEnd(() => {
      this.#forget(reader);
      signal?.removeEventListener('abort', abort);
    });
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    return new ReaderIterator(reader, this.#lost);
  }

  /** More may be shown. */
  wake(): void {
    for (const reader of this.#readers) reader.wake();
  }

  /**
   * The log is full and somebody waits: ends the readers that have more than so many bytes before
   * them if that is still so in a while. Not at once, because a burst of writes fills the log before
   * anyone could read it.
   */
  evict(bytesMax: number): void {
    const { clock, bytesToRead } = this.#source;
    for (const reader of this.#readers) {
      if (bytesToRead(reader.position) <= bytesMax) continue;
      if (!this.#slow.has(reader)) this.#slow.set(reader, clock.now());
      this.#stillSlow.add(reader);
    }
    this.#lookAgain();
  }

  /** Ends all readers with this error. */
  endAll(error: SluiceError): void {
    for (const reader of this.#readers) reader.end(error);
  }

  #lookAgain(): void {
    const { clock, recheck } = this.#source;
    if (this.#slow.size === 0) return;
    this.#timer ??= clock.setTimeout(() => {
      this.#timer = undefined;
      this.#stillSlow.clear();
      // Whoever still waits for room in the log has the readers looked at again.
      recheck();
      for (const [reader, since] of this.#slow) {
        if (!this.#stillSlow.has(reader)) this.#slow.delete(reader);
        else if (clock.now() - since >= GRACE_MS) reader.end(tooSlow(reader.position));
      }
      this.#lookAgain();
    }, GRACE_MS);
  }

  #forget(reader: LogReader<Op>): void {
    this.#readers.delete(reader);
    this.#slow.delete(reader);
    this.#stillSlow.delete(reader);
    if (this.#slow.size > 0 || this.#timer === undefined) return;
    this.#source.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** What the caller has in hand. Nothing else refers to it, so that it is noticed when it is lost. */
class ReaderIterator<Op> implements AsyncIterableIterator<Change<Op>> {
  readonly #reader: LogReader<Op>;
  readonly #lost: FinalizationRegistry<LogReader<Op>>;

  constructor(reader: LogReader<Op>, lost: FinalizationRegistry<LogReader<Op>>) {
    this.#reader = reader;
    this.#lost = lost;
    lost.register(this, reader, this);
  }

  async next(): Promise<IteratorResult<Change<Op>, undefined>> {
    try {
      return await this.#reader.next();
    } finally {
      // Also keeps this iterator from being lost while somebody waits for it, perhaps with nothing
      // but the promise in hand.
      if (this.#reader.ended) this.#lost.unregister(this);
    }
  }

  async return(): Promise<IteratorResult<Change<Op>, undefined>> {
    this.#reader.end();
    return { done: true, value: undefined };
  }

  async throw(error: unknown): Promise<never> {
    this.#reader.end();
    throw error;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

function cancellation(signal: AbortSignal | undefined): SluiceError {
  return new SluiceError('SLUICE_ABORTED', 'given up by the caller', { cause: signal?.reason });
}

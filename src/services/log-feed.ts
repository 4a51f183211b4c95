import { isCancelled, SluiceError, throwIfAborted, toSluiceError } from '../errors.js';
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
}

/** How long a reader may stand in the way of a full log. */
const GRACE_MS = 1000;

/** The log as a feed: any number of readers, each of which keeps what it has not read yet. */
export class LogFeed<Op> {
  readonly #source: FeedSource<Op>;
  readonly #keepFrom: KeepFrom;
  readonly #readers = new Set<LogReader<Op>>();
  /** Readers that were seen in the way: when first, and what would be too much at last. */
  readonly #slow = new Map<LogReader<Op>, { since: number; bytesMax: number }>();
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
    const iterator = new ReaderIterator(reader);
    this.#lost.register(iterator, reader);
    return iterator;
  }

  /** More may be shown. */
  wake(): void {
    for (const reader of this.#readers) reader.wake();
  }

  /**
   * The log is full: ends the readers that still have more than so many bytes before them in a
   * while. Not at once, because a burst of writes fills the log before anyone could read it.
   */
  evict(bytesMax: number): void {
    for (const reader of this.#readers) {
      if (!this.#isBehind(reader, bytesMax)) continue;
      const { since } = this.#slow.get(reader) ?? { since: this.#source.clock.now() };
      this.#slow.set(reader, { since, bytesMax });
    }
    this.#lookAgain();
  }

  /** Ends all readers with this error. */
  endAll(error: SluiceError): void {
    for (const reader of this.#readers) reader.end(error);
  }

  #isBehind({ position }: LogReader<Op>, bytesMax: number): boolean {
    return this.#source.bytesToRead(position) > bytesMax;
  }

  #lookAgain(): void {
    const { clock } = this.#source;
    if (this.#slow.size === 0) return;
    this.#timer ??= clock.setTimeout(() => {
      this.#timer = undefined;
      for (const [reader, { since, bytesMax }] of this.#slow) {
        if (!this.#isBehind(reader, bytesMax)) this.#slow.delete(reader);
        else if (clock.now() - since >= GRACE_MS) reader.end(tooSlow(reader.position));
      }
      this.#lookAgain();
      // Those that are not behind any more may have made room without being done with their batch.
      this.#source.onMoved();
    }, GRACE_MS);
  }

  #forget(reader: LogReader<Op>): void {
    this.#readers.delete(reader);
    this.#slow.delete(reader);
    if (this.#slow.size > 0 || this.#timer === undefined) return;
    this.#source.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** What the caller has in hand. Nothing else refers to it, so that it is noticed when it is lost. */
class ReaderIterator<Op> implements AsyncIterableIterator<Change<Op>> {
  readonly #reader: LogReader<Op>;

  constructor(reader: LogReader<Op>) {
    this.#reader = reader;
  }

  next(): Promise<IteratorResult<Change<Op>, undefined>> {
    return this.#reader.next();
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
  try {
    if (signal !== undefined) throwIfAborted(signal);
  } catch (error) {
    return isCancelled(error) ? (error as SluiceError) : toSluiceError(error, 'SLUICE_CANCELLED');
  }
  return new SluiceError('SLUICE_CANCELLED', 'cancelled');
}

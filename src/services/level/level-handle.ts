import { SluiceError, throwIfAborted } from '../../errors.js';
import {
  type Changes,
  clearRange,
  compactRange,
  type Database,
  type Entry,
  getValue,
  type KeyRange,
  type KeySpan,
  levelError,
  scanEntries,
  scanKeys,
  sizeOfRange,
  writeChanges,
} from './database.js';
import { loadChecksum } from './frame.js';
import { SerialQueue } from './serial-queue.js';

/** So much may be left in the database's write buffer when it is closed. */
const BUFFERED_BYTES_MAX = 1024 * 1024;

/**
 * A database with one writer. Jobs that write run one after the other. After a write that failed
 * nobody knows what is on disk, and LevelDB refuses every further write: the handle remembers that
 * error and rejects with it, until `open` closes the database and opens it again.
 */
export class LevelHandle {
  readonly #db: Database;
  readonly #name: string;
  readonly #queue = new SerialQueue();
  #failure: SluiceError | undefined;
  #isOpen = false;
  #wasOpen = false;
  /** Bytes of values that may lie in the database's write buffer alone. */
  #bufferedBytes = 0;

  /** `name` is for messages: `the log`, `the segments`. */
  constructor(db: Database, name: string) {
    this.#db = db;
    this.#name = name;
  }

  /**
   * Opens the database if need be, and runs `prepare`. From the second time on it closes it first:
   * LevelDB may have failed in the background, and only a new handle forgets that.
   * The handle counts as open when that has resolved.
   */
  open<T>(prepare: () => Promise<T>): Promise<T> {
    return this.#queue.run(async () => {
      this.#isOpen = false;
      await loadChecksum();
      try {
        if (this.#wasOpen) await this.#db.close();
        this.#failure = undefined;
        await this.#db.open();
        this.#bufferedBytes = 0;
        this.#wasOpen = true;
      } catch (error) {
        throw levelError(error, `opening ${this.#name} failed`);
      }
      const result = await prepare();
      this.#isOpen = true;
      return result;
    });
  }

  /** Runs a job when the ones before it have ended. Rejects when closed or after a failed write. */
  run<T>(job: () => Promise<T>): Promise<T> {
    return this.#queue.run(() => {
      this.assertOpen();
      if (this.#failure !== undefined) throw this.#failure;
      return job();
    });
  }

  /** Writes one batch; only within a job or while opening. */
  write(changes: Changes): Promise<void> {
    for (const [, value] of changes.puts ?? []) this.#bufferedBytes += value.byteLength;
    return this.#watched(writeChanges(this.#db, changes));
  }

  /** Deletes a range, not synced; only within a job or while opening. */
  clear(range: KeyRange): Promise<void> {
    return this.#watched(clearRange(this.#db, range));
  }

  /**
   * Gives the space of deleted keys back to the disk, one span after the other, until the signal
   * fires; writes go on beside it, and `close` waits for the span under way. A failure shows at the
   * next write, because LevelDB tells nobody else of it.
   */
  async compact(spans: readonly KeySpan[], signal?: AbortSignal): Promise<void> {
    for (const span of spans) {
      if (signal !== undefined) throwIfAborted(signal);
      this.assertOpen();
      if (this.#failure !== undefined) continue;
      // It also writes the whole write buffer.
      this.#bufferedBytes = 0;
      await compactRange(this.#db, span);
    }
  }

  /** Bytes that a span of keys takes on disk, about; undefined where the database can't tell. */
  async size(span: KeySpan): Promise<number | undefined> {
    this.assertOpen();
    return sizeOfRange(this.#db, span);
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return getValue(this.#db, key);
  }

  entries(range: KeyRange = {}): AsyncGenerator<Entry[]> {
    return scanEntries(this.#db, range);
  }

  keys(): AsyncGenerator<string[]> {
    return scanKeys(this.#db);
  }

  /** Throws `SLUICE_NOT_OPEN` unless open; reading goes on after a failed write. */
  assertOpen(): void {
    if (!this.#isOpen) throw new SluiceError('SLUICE_NOT_OPEN', `${this.#name} is not open`);
  }

  /**
   * Waits for the jobs in the queue, then closes the database. Safe to call twice. LevelDB would
   * read at the next opening, and then write to tables, all that is in its write buffer: when that
   * is much, `tidy` is to see to it now. If it can't, the next opening has it to do, and no less is
   * safe; so nobody is told.
   */
  close(tidy?: () => Promise<void>): Promise<void> {
    return this.#queue.run(async () => {
      const isSound = this.#isOpen && this.#failure === undefined;
      if (isSound && this.#bufferedBytes > BUFFERED_BYTES_MAX) await tidy?.().catch(() => {});
      this.#isOpen = false;
      try {
        await this.#db.close();
      } catch (error) {
        throw levelError(error, `closing ${this.#name} failed`);
      }
    });
  }

  async #watched(writing: Promise<void>): Promise<void> {
    try {
      await writing;
    } catch (error) {
      this.#failure = levelError(error, `writing ${this.#name} failed`);
      throw this.#failure;
    }
  }
}

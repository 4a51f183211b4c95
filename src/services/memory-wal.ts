import { assert, SluiceError } from '../errors.js';
import type { Wal, WalRecord, WalState } from './ports.js';
import { type RandomFill, randomId } from './random-id.js';

/** Options of `memoryWal`. */
export interface MemoryWalOptions {
  /** Source of the log's `storeId`. @default the platform's */
  random?: RandomFill;
}

/**
 * A write-ahead log that lives as long as this object: for tests, and for stores that need no
 * durability. `close()` followed by `open()` keeps the records.
 */
export class MemoryWal implements Wal {
  readonly dense = true;
  readonly #storeId: string;
  #isOpen = false;
  #acked = 0;
  /** Records `acked + 1` and up. */
  #records: Uint8Array[] = [];

  constructor(options: MemoryWalOptions = {}) {
    this.#storeId = randomId(16, options.random);
  }

  get #last(): number {
    return this.#acked + this.#records.length;
  }

  async open(): Promise<WalState> {
    this.#isOpen = true;
    return { storeId: this.#storeId, acked: this.#acked, last: this.#last };
  }

  async append(records: readonly Uint8Array[]): Promise<readonly number[]> {
    this.#assertOpen();
    return records.map((data) => {
      // A copy, because the caller may use its buffer again.
      this.#records.push(new Uint8Array(data));
      return this.#last;
    });
  }

  async sync(): Promise<void> {
    this.#assertOpen();
  }

  /** Errors: `SLUICE_WAL_TRUNCATED` when a record is forgotten, `SLUICE_NOT_OPEN`. */
  async *read(from: number, to: number): AsyncGenerator<WalRecord> {
    this.#assertOpen();
    const end = Math.min(to, this.#last);
    for (let opNum = from; opNum <= end; opNum += 1) {
      const data = this.#records[opNum - this.#acked - 1];
      if (data === undefined) {
        throw new SluiceError('SLUICE_WAL_TRUNCATED', `record ${opNum} is no longer in the log`);
      }
      yield { opNum, data };
      this.#assertOpen();
    }
  }

  async acknowledge(upTo: number): Promise<void> {
    this.#assertOpen();
    if (upTo <= this.#acked) return;
    assert(upTo <= this.#last, `record ${upTo} exists when it is acknowledged`);
    this.#records = this.#records.slice(upTo - this.#acked);
    this.#acked = upTo;
  }

  async close(): Promise<void> {
    this.#isOpen = false;
  }

  #assertOpen(): void {
    if (!this.#isOpen) throw new SluiceError('SLUICE_NOT_OPEN', 'the log is not open');
  }
}

/** Makes an empty log in memory; call `open()` before anything else. */
export function memoryWal(options?: MemoryWalOptions): MemoryWal {
  return new MemoryWal(options);
}

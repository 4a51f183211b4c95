import { assert, SluiceError } from '../../errors.js';
import type { Wal, WalRecord, WalState } from '../ports.js';
import { type RandomFill, randomId } from '../random-id.js';
import type { Database, Entry } from './database.js';
import { frame, unframe } from './frame.js';
import { META_KEY, NO_KEYS, RECORD_KEYS, recordKey, recordNumber } from './keys.js';
import { LevelHandle } from './level-handle.js';
import { type StoredEntry, storedEntries } from './stored-entries.js';
import { metaEntry } from './wal-meta.js';
import { scanWal, type WalScan } from './wal-scan.js';

/** Options of `levelWal`. */
export interface LevelWalOptions {
  /** Stored bytes that may be unsynced; an append that would pass it is synced. @default 1 MiB */
  unsyncedBytesMax?: number;
  /** Whether an empty database becomes a new log; otherwise it is damage. @default true */
  create?: boolean;
  /** Source of the new log's `storeId`. @default the platform's */
  random?: RandomFill;
  /** Bytes of the database's files, where it has files. @default what the database says of its records */
  filesBytes?: () => Promise<number>;
}

/** Deletes in the synced batch of a truncation: each takes microseconds. LevelDB clears the rest. */
const DELETES_MAX = 200;

/** What takes more bytes on disk is compacted beside other work, not while somebody waits. */
const CLOSING_BYTES_MAX = 32 * 1024 * 1024;

const STORE_ID_BYTES = 16;

/**
 * A write-ahead log in an abstract-level database of its own.
 *
 * Each synced batch holds again every record that was written unsynced since the last one, because
 * a later sync of LevelDB doesn't cover an earlier unsynced write (see `scanWal`). It also holds
 * the meta record, so that an opener knows up to which number every record must be there.
 *
 * Every failed write is sticky: everything but reading rejects with its error until `close()` and
 * `open()`, or `open()` alone.
 */
export class LevelWal implements Wal {
  readonly dense = true;
  readonly #handle: LevelHandle;
  readonly #unsyncedBytesMax: number;
  /** Whether an empty database may become a log; not once there has been one. */
  #create: boolean;
  readonly #random: RandomFill | undefined;
  readonly #filesBytes: (() => Promise<number>) | undefined;
  #storeId = '';
  #acked = 0;
  /** Records at or below may be gone: `acked`, or the target of a truncation that is under way. */
  #forgotten = 0;
  /** The space of records at or below has been given back. */
  #reclaimed = 0;
  #last = 0;
  #unsynced: Entry[] = [];
  #unsyncedBytes = 0;
  #droppedAtOpen = 0;

  constructor(db: Database, options: LevelWalOptions = {}) {
    this.#handle = new LevelHandle(db, 'the log');
    this.#unsyncedBytesMax = options.unsyncedBytesMax ?? 1024 * 1024;
    this.#create = options.create ?? true;
    this.#random = options.random;
    this.#filesBytes = options.filesBytes;
  }

  /** Unsynced records behind a gap that a power cut had left; the last `open()` removed them. */
  get droppedAtOpen(): number {
    return this.#droppedAtOpen;
  }

  /**
   * See `Wal.open`. When it has resolved, every record of the log survives a power cut.
   * Errors: also `SLUICE_NOT_A_STORE`, `SLUICE_DISK_FULL`.
   */
  open(): Promise<WalState> {
    return this.#handle.open(async () => {
      const found = await scanWal(this.#handle);
      if (found === undefined && !this.#create) {
        throw new SluiceError(
          'SLUICE_DAMAGED',
          'the log is empty: even its meta record is missing',
        );
      }
      const scan = found ?? newLog(randomId(STORE_ID_BYTES, this.#random));
      this.#storeId = scan.meta.storeId;
      this.#acked = this.#forgotten = scan.meta.acked;
      this.#last = scan.last;
      this.#setUnsynced(scan.unsynced);
      this.#droppedAtOpen = scan.beyondGap.length;
      if (found === undefined || scan.last > scan.meta.synced || scan.beyondGap.length > 0) {
        await this.#writeSynced({ last: scan.last, deletes: scan.beyondGap });
      }
      if (scan.leftovers) await this.#clear(1, scan.meta.acked);
      this.#create = false;
      return { storeId: this.#storeId, acked: this.#acked, last: this.#last, bytes: scan.bytes };
    });
  }

  append(records: readonly Uint8Array[], options: { sync: boolean }): Promise<readonly number[]> {
    return this.#handle.run(async () => {
      const opNums = records.map((_, index) => this.#last + 1 + index);
      const last = this.#last + records.length;
      assert(Number.isSafeInteger(last), 'op numbers are safe integers');
      const puts = records.map((data, index): Entry => {
        const key = recordKey(this.#last + 1 + index);
        return [key, frame(key, 'record', data)];
      });
      const unsyncedBytes = this.#unsyncedBytes + bytesOf(puts);
      if (unsyncedBytes > this.#unsyncedBytesMax || options.sync) {
        if (this.#unsynced.length + puts.length > 0) await this.#writeSynced({ last, puts });
      } else if (puts.length > 0) {
        await this.#handle.write({ puts, sync: false });
        for (const entry of puts) this.#unsynced.push(entry);
        this.#unsyncedBytes = unsyncedBytes;
      }
      this.#last = last;
      return opNums;
    });
  }

  sync(): Promise<void> {
    return this.#handle.run(async () => {
      if (this.#unsynced.length > 0) await this.#writeSynced({ last: this.#last });
    });
  }

  /**
   * See `Wal.read`; records above the newest one are left out. The data must not be changed.
   * Errors: `SLUICE_WAL_TRUNCATED` when a record is forgotten, `SLUICE_DAMAGED` when one that isn't
   * is missing or not what was written, `SLUICE_NOT_OPEN`.
   */
  async *read(from: number, to: number): AsyncGenerator<WalRecord> {
    if (!Number.isSafeInteger(from) || from < 1 || !Number.isSafeInteger(to)) {
      throw new TypeError(`'from' and 'to' must be op numbers, received ${from} and ${to}`);
    }
    this.#handle.assertOpen();
    const end = Math.min(to, this.#last);
    let next = from;
    if (end >= from) {
      const range = { gte: recordKey(from), lte: recordKey(end) };
      for await (const entries of this.#handle.entries(range)) {
        for (const [key, value] of entries) {
          if (recordNumber(key) !== next) throw this.#missing(next);
          yield { opNum: next, data: unframe(key, 'record', value) };
          next += 1;
        }
      }
    }
    if (next <= end) throw this.#missing(next);
  }

  acknowledge(upTo: number): Promise<void> {
    return this.#handle.run(async () => {
      if (upTo <= this.#acked) return;
      assert(upTo <= this.#last, `record ${upTo} exists when it is acknowledged`);
      const first = this.#acked + 1;
      // A reader may meet the deletes before the write has been reported.
      this.#forgotten = upTo;
      const deletesLast = Math.min(upTo, this.#acked + DELETES_MAX);
      await this.#writeSynced({
        last: this.#last,
        acked: upTo,
        deletes: recordKeys(first, deletesLast),
      });
      if (deletesLast < upTo) await this.#clear(deletesLast + 1, upTo);
    });
  }

  /** See `Wal.reclaim`. Errors: `SLUICE_NOT_OPEN`, those of writing, `SLUICE_CANCELLED`. */
  async reclaim(signal: AbortSignal): Promise<void> {
    if (this.#reclaimed >= this.#acked) return;
    this.#reclaimed = this.#acked;
    await this.#giveBack((job) => this.#handle.run(job), signal);
  }

  /** See `Wal.bytesOnDisk`. Errors: `SLUICE_NOT_OPEN`, `SLUICE_IO`. */
  async bytesOnDisk(): Promise<number | undefined> {
    this.#handle.assertOpen();
    return this.#filesBytes === undefined ? this.#handle.size(RECORD_KEYS) : this.#filesBytes();
  }

  /** See `Wal.close`. */
  close(): Promise<void> {
    return this.#handle.close(async () => {
      const bytes = (await this.bytesOnDisk()) ?? 0;
      if (bytes > CLOSING_BYTES_MAX) await this.#handle.compact([NO_KEYS]);
      else await this.#giveBack((job) => job());
    });
  }

  /** Every stored entry with what is wrong with it, if anything is. Errors: `SLUICE_NOT_OPEN`. */
  entries(): AsyncIterable<StoredEntry> {
    return storedEntries(this.#handle);
  }

  /** One synced batch: what is unsynced, the puts, the deletes, and the meta record for it all. */
  async #writeSynced(change: {
    last: number;
    acked?: number;
    puts?: readonly Entry[];
    deletes?: readonly string[];
  }): Promise<void> {
    const { last, acked = this.#acked, puts = [], deletes = [] } = change;
    const firstKept = recordKey(acked + 1);
    const again = this.#unsynced.filter(([key]) => key >= firstKept);
    const meta = metaEntry({ storeId: this.#storeId, acked, synced: last });
    await this.#handle.write({ puts: [...again, ...puts, meta], deletes, sync: true });
    this.#acked = acked;
    this.#setUnsynced([]);
  }

  /**
   * Has LevelDB drop what is forgotten. It leaves its lowest level alone, which is where it puts its
   * write buffer when nothing is there; so the meta record is written once more, to lie above it.
   */
  async #giveBack(
    run: (job: () => Promise<void>) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#handle.compact([NO_KEYS], signal);
    await run(() => this.#writeSynced({ last: this.#last }));
    await this.#handle.compact([{ from: META_KEY, to: recordKey(this.#acked) }], signal);
  }

  #setUnsynced(entries: Entry[]): void {
    this.#unsynced = entries;
    this.#unsyncedBytes = bytesOf(entries);
  }

  #clear(from: number, to: number): Promise<void> {
    return this.#handle.clear({ gte: recordKey(from), lte: recordKey(to) });
  }

  #missing(opNum: number): SluiceError {
    return opNum <= this.#forgotten
      ? new SluiceError('SLUICE_WAL_TRUNCATED', `record ${opNum} is no longer in the log`)
      : new SluiceError('SLUICE_DAMAGED', `record ${opNum} of the log is missing`);
  }
}

/** Makes a write-ahead log of an abstract-level database; call `open()` before anything else. */
export function levelWal(db: Database, options?: LevelWalOptions): LevelWal {
  return new LevelWal(db, options);
}

function newLog(storeId: string): WalScan {
  const meta = { storeId, acked: 0, synced: 0 };
  return { meta, last: 0, bytes: 0, unsynced: [], beyondGap: [], leftovers: false };
}

function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, [, value]) => sum + value.byteLength, 0);
}

function recordKeys(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => recordKey(from + index));
}

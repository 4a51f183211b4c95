import { assert } from '../errors.js';
import type { Wal } from './ports.js';
import type { Ticket } from './ticket.js';

/** A signal's place in the order of submission. */
export interface Marker {
  signal: 'Nop' | 'Plunger';
  /** Finds the one who waits for a Plunger's answer; 0 for a Nop. */
  id: number;
}

/** An operation on its way into the log. */
export interface RecordEntry<Op> {
  data: Uint8Array;
  /** What `data` holds, if nobody can change it any more. */
  operation: Op | undefined;
  ticket: Ticket;
}

export type Entry<Op> = RecordEntry<Op> | { marker: Marker };

/** What a group commit tells its owner, in the order of submission. */
export interface GroupCommitHooks<Op> {
  onAppended(entry: RecordEntry<Op>, opNum: number): void;
  onMarker(marker: Marker): void;
  /** The records may or may not exist. */
  onFailed(entries: readonly RecordEntry<Op>[], error: unknown): void;
  /** Records up to this one survive a power cut. */
  onSynced(opNum: number): void;
  /** A batch has ended: the numbers of all that was appended are known. */
  onDelivered(): void;
  /** Nothing is queued or being written any more. */
  onSettled(): void;
}

const BATCH_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Brings entries into the log: those that arrive while an append is running share the next one,
 * so that one sync serves all its waiters.
 */
export class GroupCommit<Op> {
  readonly #wal: Wal;
  readonly #hooks: GroupCommitHooks<Op>;
  #queue: Entry<Op>[] = [];
  #running = false;
  /** Resolves when what is queued and being written has ended. */
  #work = Promise.resolve();
  /** The records that are being written. */
  #inFlight: readonly RecordEntry<Op>[] = [];

  constructor(wal: Wal, hooks: GroupCommitHooks<Op>) {
    this.#wal = wal;
    this.#hooks = hooks;
  }

  /** True when nothing is queued or being written. */
  get idle(): boolean {
    return !this.#running;
  }

  /** Resolves when nothing is queued or being written. */
  async settled(): Promise<void> {
    while (this.#running) await this.#work;
  }

  /** True while records are on their way into the log whose numbers are not known yet. */
  get appending(): boolean {
    return this.#inFlight.length > 0;
  }

  /** Answers those whose records are being written, with this error: whether they are is unknown. */
  refuseInFlight(error: unknown): void {
    for (const { ticket } of this.#inFlight) ticket.failed(error);
  }

  push(entry: Entry<Op>): void {
    this.#queue.push(entry);
    if (this.#running) return;
    this.#running = true;
    // Entries submitted in the same turn of the event loop share the first batch.
    this.#work = Promise.resolve().then(() => this.#run());
  }

  /** Takes an entry back that no append has taken yet. */
  withdraw(entry: Entry<Op>): void {
    const at = this.#queue.indexOf(entry);
    if (at >= 0) this.#queue.splice(at, 1);
  }

  /** Empties the queue; an append that is running is not affected. */
  clear(): Entry<Op>[] {
    return this.#queue.splice(0);
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#takeBatch();
      const records = batch.filter((entry): entry is RecordEntry<Op> => 'data' in entry);
      for (const record of records) record.ticket.handOver();
      this.#inFlight = records;
      // The log, not the worker, makes sure that what is waited for is safe.
      const sync = records.some((record) => record.ticket.wait !== false);
      const opNums = await this.#append(records, sync);
      this.#deliver(batch, opNums);
      this.#inFlight = [];
      const last = opNums?.at(-1);
      if (sync && last !== undefined) this.#hooks.onSynced(last);
      this.#hooks.onDelivered();
    }
    this.#running = false;
    this.#hooks.onSettled();
  }

  /** The records' numbers, or undefined when they were not (or may not have been) written. */
  async #append(
    records: readonly RecordEntry<Op>[],
    sync: boolean,
  ): Promise<readonly number[] | undefined> {
    if (records.length === 0) return [];
    try {
      const opNums = await this.#wal.append(
        records.map((record) => record.data),
        { sync },
      );
      assert(opNums.length === records.length, 'the log returns a number for each record');
      return opNums;
    } catch (error) {
      this.#hooks.onFailed(records, error);
      return undefined;
    }
  }

  #deliver(batch: readonly Entry<Op>[], opNums: readonly number[] | undefined): void {
    let at = 0;
    for (const entry of batch) {
      if ('marker' in entry) {
        this.#hooks.onMarker(entry.marker);
      } else if (opNums !== undefined) {
        const opNum = opNums[at];
        if (opNum !== undefined) this.#hooks.onAppended(entry, opNum);
        at += 1;
      }
    }
  }

  #takeBatch(): Entry<Op>[] {
    let bytes = 0;
    let count = 0;
    for (const entry of this.#queue) {
      bytes += 'data' in entry ? entry.data.byteLength : 0;
      if (count > 0 && bytes > BATCH_BYTES_MAX) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }
}

import { assert, SluiceError } from '../errors.js';
import type { Clock } from './clock.js';
import { GroupCommit, type Marker, type RecordEntry } from './group-commit.js';
import type { Wal } from './ports.js';
import { Room, type RoomLimits } from './room.js';
import { type SubmitOptions, type SubmitResult, Ticket } from './ticket.js';
import { WalUsage } from './wal-usage.js';

/** Limits of the tail; bytes of encoded operations. */
export interface TailLimits extends RoomLimits {
  /** Records kept in memory until they are applied; beyond it they are read back from the log. */
  windowBytesMax: number;
}

/** What the tail asks of its owner. */
export interface TailHooks {
  /** There is something to apply and no applier is at work. */
  onWork(): void;
  /** The log has been written. */
  onAppended(): void;
  /** More operations may have become visible. */
  onVisible(): void;
  /** The log could not be written. */
  onAppendFailed(error: unknown): void;
  /** An operation has been applied whose caller waits until it is optimized. */
  onApplied(ticket: Ticket, applied: { opNum: number; affected: number }): void;
  /** The log is full: may a flush free it? */
  canFreeWal(): boolean;
}

/** The next thing to do: records up to a number, or a signal in its place. */
export type TailItem = { to: number } | { marker: Marker };

/** An operation that need not be read back: itself, or what its record holds. */
export type Windowed<Op> = { operation: Op } | { data: Uint8Array };

interface Pending<Op> {
  bytes: number;
  /** Absent when the window was full. */
  windowed: Windowed<Op> | undefined;
  ticket: Ticket;
}

/**
 * The unapplied tail of the log. Operations and signals enter in the order of submission, wait for
 * room, share appends, and are taken by one applier in that order.
 */
export class WalTail<Op = unknown> {
  readonly #wal: Wal;
  readonly #clock: Clock;
  readonly #limits: TailLimits;
  readonly #hooks: TailHooks;
  readonly #commit: GroupCommit<Op>;
  readonly #room: Room;
  readonly #usage: WalUsage;
  readonly #pending = new Map<number, Pending<Op>>();
  #items: TailItem[] = [];
  #closed: SluiceError | undefined = new SluiceError('SLUICE_NOT_OPEN', 'the store is not open');
  /** Set when everyone has been answered: what is still being appended is not waited for. */
  #abandoned: SluiceError | undefined;
  #applied = 0;
  #end = 0;
  #synced = 0;
  /** Told by a log with other writers while an append of ours was running. */
  #heldLast = 0;
  #windowBytes = 0;
  #windowBytesPeak = 0;
  #live = false;
  #wake: (() => void) | undefined;

  constructor(options: { wal: Wal; clock: Clock; limits: TailLimits; hooks: TailHooks }) {
    this.#wal = options.wal;
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#hooks = options.hooks;
    this.#usage = new WalUsage(options.limits.walBytesMax);
    this.#room = new Room(options.limits, () => options.hooks.canFreeWal());
    this.#commit = new GroupCommit(options.wal, {
      onAppended: (entry, opNum) => this.#appended(entry, opNum),
      onMarker: (marker) => this.#place({ marker }),
      onFailed: (entries, error) => this.#appendFailed(entries, error),
      onSynced: (opNum) => this.synced(opNum),
      onDelivered: () => this.extend(this.#heldLast),
      // Only a drain waits for this; a lingering applier would end too early.
      onSettled: () => {
        if (this.#closed !== undefined) this.#wake?.();
      },
    });
  }

  /** The effects of every operation up to this number are in the segments. */
  get applied(): number {
    return this.#applied;
  }

  /** The newest number known to be in the log. */
  get end(): number {
    return this.#end;
  }

  /** Records up to this number are known to survive a power cut. */
  get syncedUpTo(): number {
    return this.#synced;
  }

  /** The operations up to this number are safe for good and have their effect. */
  get visible(): number {
    return Math.min(this.#synced, this.#applied);
  }

  /** Why nothing can be submitted; undefined while it can. */
  get closed(): SluiceError | undefined {
    return this.#closed;
  }

  /** Limits and what is used of them. */
  get usage(): Room['usage'] & { windowBytes: number; windowBytesPeak: number } {
    // Asked for with each operation: to spread the object takes several times as long.
    const { entries, bytes, walBytes, waiting, waitingBytes } = this.#room.usage;
    return {
      entries,
      bytes,
      walBytes,
      waiting,
      waitingBytes,
      windowBytes: this.#windowBytes,
      windowBytesPeak: this.#windowBytesPeak,
    };
  }

  /** Begins anew on a log that has just been opened: all above `applied` is still to be applied. */
  open(applied: number, log: { last: number; bytes: number }): void {
    this.#room.addWalBytes(-this.#usage.clear());
    this.#usage.add(log.last, log.bytes);
    this.#room.addWalBytes(log.bytes);
    this.#applied = applied;
    this.#end = Math.max(applied, log.last);
    this.#synced = this.#end;
    this.#heldLast = 0;
    this.#items = log.last > applied ? [{ to: log.last }] : [];
    this.#closed = undefined;
    this.#abandoned = undefined;
  }

  /**
   * Records of other writers have appeared in the log. Some of them may be our own, which must not
   * be applied before their waiters are known by their numbers.
   */
  extend(last: number): void {
    if (this.#closed !== undefined || last <= this.#end) return;
    if (this.#commit.appending) this.#heldLast = Math.max(this.#heldLast, last);
    else this.#placeRecords(last);
  }

  /**
   * Submits an encoded operation; with `operation`, which nobody may change any more, it isn't
   * decoded again. Errors: `SLUICE_OPERATION_TOO_LARGE`, `SLUICE_WAL_FULL`, `SLUICE_STOPPED`, …
   */
  submit(data: Uint8Array, options: SubmitOptions, operation?: Op): Promise<SubmitResult> {
    const bytesMax = Math.min(this.#limits.windowBytesMax, this.#limits.bytesMax);
    if (data.byteLength > bytesMax) {
      return Promise.reject(
        new SluiceError(
          'SLUICE_OPERATION_TOO_LARGE',
          `an operation has at most ${bytesMax} bytes, this one has ${data.byteLength}`,
        ),
      );
    }
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const ticket = new Ticket(options, this.#clock);
    if (ticket.settled) return ticket.result;
    // An operation may take several times the memory of its record: few are kept beside theirs.
    const { bytes, waitingBytes } = this.#room.usage;
    const isNear = bytes + waitingBytes + data.byteLength <= this.#limits.windowBytesMax;
    const entry = { data, operation: isNear ? operation : undefined, ticket };
    let leaveQueue = () => {};
    ticket.onWithdraw(() => leaveQueue());
    leaveQueue = this.#room.enter(
      data.byteLength,
      () => {
        ticket.onWithdraw(() => {
          this.#commit.withdraw(entry);
          this.#giveRoomBack(data.byteLength);
        });
        this.#commit.push(entry);
      },
      (error) => ticket.failed(error),
    );
    return ticket.result;
  }

  /** Submits a signal: it reaches the worker after everything submitted before it. */
  signal(marker: Marker): void {
    this.#room.enter(
      null,
      () => this.#commit.push({ marker }),
      // Nobody may enter any more: it still comes after what is on its way into the log.
      () => this.#commit.push({ marker }),
    );
  }

  /** The next thing to do, or undefined when everything has been applied. */
  next(): TailItem | undefined {
    return this.#items[0];
  }

  /** The operation if it is still in memory. */
  windowed(opNum: number): Windowed<Op> | undefined {
    return this.#pending.get(opNum)?.windowed;
  }

  /** Takes a signal off the tail, to be delivered. */
  takeMarker(): void {
    this.#items.shift();
  }

  /** An operation has been applied (with the number of entries it touched) or declined. */
  settle(opNum: number, outcome: { affected: number } | { declined: unknown }): void {
    const pending = this.#pending.get(opNum);
    this.advance(opNum);
    if (pending === undefined) return;
    this.#pending.delete(opNum);
    if (pending.windowed !== undefined) this.#windowBytes -= pending.bytes;
    const { ticket } = pending;
    if ('declined' in outcome) ticket.failed(outcome.declined);
    else if (ticket.wait !== 'optimized') ticket.completed(opNum, outcome.affected);
    else if (!ticket.settled) this.#hooks.onApplied(ticket, { opNum, ...outcome });
    this.#room.leave(pending.bytes);
  }

  /** Nothing up to this number is left to apply. */
  advance(opNum: number): void {
    assert(opNum >= this.#applied, 'operations are applied in order');
    this.#applied = opNum;
    this.#hooks.onVisible();
    const head = this.#items[0];
    if (head !== undefined && 'to' in head && opNum >= head.to) this.#items.shift();
  }

  /** Records up to this number have become safe from a power cut. */
  synced(upTo: number): void {
    if (upTo <= this.#synced) return;
    this.#synced = upTo;
    this.#hooks.onVisible();
  }

  /** Bytes of records that someone who reads the log from a number on has before him, about. */
  bytesToRead(from: number): number {
    return this.#usage.between(from, this.visible);
  }

  /** The log has forgotten records up to this number. */
  acknowledged(upTo: number): void {
    this.#room.addWalBytes(-this.#usage.forget(upTo));
  }

  /** A flush has failed: whoever waits for room in a full log may wait in vain. */
  recheck(): void {
    this.#room.recheck();
  }

  /** No more submissions: they, and whoever still waits for room, get this error. */
  close(error: SluiceError): void {
    this.#closed = error;
    this.#room.refuseAll(error);
    this.#wake?.();
  }

  /** Resolves when nothing is on its way into the log any more. */
  settled(): Promise<void> {
    return this.#commit.settled();
  }

  /** Answers everyone who still waits, with this error; what is in the log stays in the log. */
  abandon(error: SluiceError): void {
    this.close(error);
    this.#abandoned = error;
    // Signals are dropped: delivered now, they would overtake what is being written.
    for (const entry of this.#commit.clear()) {
      if ('data' in entry) this.#rejectEntry(entry, error);
    }
    for (const { bytes, windowed, ticket } of this.#pending.values()) {
      ticket.failed(error);
      if (windowed !== undefined) this.#windowBytes -= bytes;
      this.#room.leave(bytes);
    }
    this.#pending.clear();
    this.#items = [];
  }

  /** Nobody waits for what is still being written, either: those who do get this error. */
  refuseInFlight(error: SluiceError): void {
    this.#commit.refuseInFlight(error);
  }

  /** True when nothing is on its way into the log. */
  get idle(): boolean {
    return this.#commit.idle;
  }

  /** The applier takes over: it looks at `next` until it gives the tail back. */
  takeOver(): void {
    this.#live = true;
  }

  /** The applier has gone. */
  giveBack(): void {
    this.#live = false;
    this.#wake = undefined;
  }

  /** Calls `wake` at the next change; undefined takes that back. */
  onChange(wake: (() => void) | undefined): void {
    this.#wake = wake;
  }

  #appended({ data, operation, ticket }: RecordEntry<Op>, opNum: number): void {
    const bytes = data.byteLength;
    this.#hooks.onAppended();
    ticket.appended(opNum);
    this.#usage.add(opNum, bytes);
    if (this.#abandoned !== undefined) {
      ticket.failed(this.#abandoned);
      this.#room.leave(bytes);
      return;
    }
    const fits = this.#wal.dense && this.#windowBytes + bytes <= this.#limits.windowBytesMax;
    const held = operation === undefined ? { data } : { operation };
    this.#pending.set(opNum, { bytes, windowed: fits ? held : undefined, ticket });
    if (fits) this.#windowBytes += bytes;
    this.#windowBytesPeak = Math.max(this.#windowBytesPeak, this.#windowBytes);
    this.#placeRecords(opNum);
  }

  #placeRecords(to: number): void {
    this.#end = Math.max(this.#end, to);
    const last = this.#items.at(-1);
    if (last !== undefined && 'to' in last) {
      last.to = Math.max(last.to, to);
      this.#notify();
    } else {
      this.#place({ to });
    }
  }

  #place(item: TailItem): void {
    this.#items.push(item);
    this.#notify();
  }

  #notify(): void {
    if (this.#wake !== undefined) this.#wake();
    else if (!this.#live) this.#hooks.onWork();
  }

  #appendFailed(entries: readonly RecordEntry<Op>[], error: unknown): void {
    for (const entry of entries) this.#rejectEntry(entry, error);
    this.#hooks.onAppendFailed(error);
  }

  #rejectEntry({ data, ticket }: RecordEntry<Op>, error: unknown): void {
    ticket.failed(error);
    this.#giveRoomBack(data.byteLength);
  }

  #giveRoomBack(bytes: number): void {
    this.#room.addWalBytes(-bytes);
    this.#room.leave(bytes);
  }
}

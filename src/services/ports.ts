import type { SluiceError } from '../errors.js';

/**
 * The interfaces that a store implements to run on the core. `createUpdateHandler({ wal, segments,
 * optimizers })` takes one of each and gives ordering, durability, back-pressure, background
 * optimization within a budget, cancellation, recovery and a graceful stop.
 *
 * Three rules hold for all of them:
 *
 * 1. **The gate is the event loop.** What must exclude everything else is synchronous here:
 *    `apply`, `ensureCapacity`, `capture`, `begin`, `swap`, `rollback`. Each sees whole operations.
 * 2. **Errors are declined, transient or sticky** (see `SluiceError.kind`); the adapter says which.
 *    A plain `Error` from `apply` is a decline, from anywhere else it is transient.
 *    After a sticky error nothing more is written until the store is closed and opened again.
 * 3. **A signal that fires** makes an asynchronous method undo what it began and reject with
 *    `SLUICE_CANCELLED` (`throwIfAborted` does), within 100 ms.
 */

import type { ClockTick } from '../types.js';

/** Turns operations into the bytes of a WAL record and back. */
export interface OperationCodec<Op> {
  /** Validates and encodes. Throws a coded error for an operation that can't be accepted. */
  encode(operation: Op): Uint8Array;
  /** The exact inverse; gives an operation that shares no memory with the caller's. */
  decode(data: Uint8Array): Op;
  /**
   * True for an operation that only frees space, as a delete does: it is accepted when the disk is
   * nearly full. @default no operation is one
   */
  frees?(operation: Op): boolean;
}

/** What one record, or a run of them, changed in what is known of the writers' clocks. */
export interface TickChange {
  first: number;
  last: number;
  /** Clocks that have moved on, and where they stood behind `last`. */
  ticks: readonly ClockTick[];
  /** Whether the last of the records that is noted here carries no clock tag. */
  untagged: boolean;
  /** True when another one of the run carries none. */
  mixed?: boolean;
}

/** What is remembered of the log's records beside their data; plain JSON, a few KB at most as a rule. */
export interface LogNotes {
  /** Declined operations whose records the log may still have: first, last, first, last, … */
  declined: readonly number[];
  /** The newest ticks among the records that the log had forgotten. */
  forgotten: readonly ClockTick[];
  /** Whether the newest of those carries no clock tag. */
  untagged: boolean;
  /** What the later records change in that, in their order. */
  changes: readonly TickChange[];
}

/** What a log knows about itself when it has been opened. */
export interface WalState {
  /** Random identity of the store, made when it was created; compared with the segments'. */
  storeId: string;
  /** Records at or below this number are forgotten; 0 in a new log. */
  acked: number;
  /** The newest record's number, or `acked` when there is none. */
  last: number;
  /** Bytes of the records above `acked`. */
  bytes: number;
}

/** One record of the log. */
export interface WalRecord {
  opNum: number;
  data: Uint8Array;
}

/**
 * A write-ahead log: numbered records, appended at one end and forgotten at the other.
 *
 * Beside an `append` there may run one `sync` or one `acknowledge`, and any number of `read`s.
 * Never two `append`s at once, nor two of `sync` and `acknowledge`.
 */
export interface Wal {
  /**
   * True when nobody else writes to this log: op numbers then grow by exactly one.
   * False for a log that has other writers: numbers grow, but may skip, and every record is read
   * back from the log before it is applied.
   */
  readonly dense: boolean;
  /**
   * Opens or creates the log. Checks that the records above `acked` are complete. May be called
   * again, after `close()` or, after a sticky error, without it: it then finds out what was really
   * written. When it resolves, every record up to `last` survives a power cut.
   * Errors: `SLUICE_DAMAGED`, `SLUICE_FORMAT_UNKNOWN`, `SLUICE_LOCKED`, `SLUICE_IO`.
   */
  open(): Promise<WalState>;
  /**
   * Appends records in order and returns their numbers, in the same order. All or nothing.
   * With `sync`, resolves when they AND every record before them survive a power cut; without,
   * when they survive the death of the process. Never called while another `append` is running.
   * A rejection leaves it open whether the records exist: the error must be sticky, unless it is
   * certain that nothing was written (a plain `Error` says that, being transient).
   */
  append(records: readonly Uint8Array[], options: { sync: boolean }): Promise<readonly number[]>;
  /** Resolves when every record that was in the log before the call survives a power cut. */
  sync(): Promise<void>;
  /**
   * Records `from`…`to` (inclusive), in order. Asked for a record at or below `acked`, which an
   * `acknowledge` beside it may just have moved, it may leave it out or reject with
   * `SLUICE_WAL_TRUNCATED`. Otherwise in a dense log a gap is damage; in another one only what
   * never existed is left out. The reader may end early.
   */
  read(from: number, to: number): AsyncIterable<WalRecord>;
  /** Forgets records at or below `upTo`, durably. Never called with a smaller number than before. */
  acknowledge(upTo: number): Promise<void>;
  /**
   * Only for a log with other writers: tells of records that appeared, by the newest number, also
   * of those that appeared between `open` and this call. Telling more often than needed, of numbers
   * already known, or of our own records before their `append` returns, does no harm.
   * Returns a function that ends the subscription.
   */
  watch?(listener: (last: number) => void): () => void;
  /**
   * Gives the space of what was forgotten back to the disk, if it doesn't do that at once anyway.
   * Called while the disk is nearly full, or when much was deleted (see `bytesOnDisk`); anything
   * else may be called beside it. What a signal leaves undone is done by a later call or never.
   */
  reclaim?(signal: AbortSignal): Promise<void>;
  /** Bytes that all records take on disk, forgotten ones included, about; undefined: unknown. */
  bytesOnDisk?(): Promise<number | undefined>;
  /** Ends writes in flight, then releases everything. Safe to call twice. */
  close(): Promise<void>;
}

/** What the core needs to know of a segment; stores add fields that their optimizers look at. */
export interface SegmentInfo {
  /** Never reused within a store. */
  id: number;
  /** Live entries. */
  points: number;
  /** True when new entries may be written into it now; false while it is frozen. */
  appendable: boolean;
}

/** How much of the disk a store takes; bytes, about. */
export interface DiskUse {
  /** Live data in the database. */
  stored: number;
  /** What a rewriting of the largest segment writes. */
  largest: number;
  /** What is being written besides flushes, in all. @default 0 */
  underway?: number;
}

/** The state that operations build: a set of segments, in memory, written by flushes. */
export interface SegmentHolder<Op, Info extends SegmentInfo = SegmentInfo> {
  /**
   * Loads exactly what the last commit wrote, or creates an empty store, which remembers `storeId` at
   * the latest from its first commit on. Blocks that the manifest does not name are deleted, after
   * `check` and before the first block of this opening is written. May be called again, after `close()` or after a
   * failure without it: until it has resolved, readers see what was there before. `onProgress` is
   * told how much has been loaded, of how much, in a unit of the store's own (the point engine
   * counts blocks); telemetry shows the two numbers.
   * Errors: `SLUICE_DAMAGED` (also when another `storeId` is found), `SLUICE_FORMAT_UNKNOWN`, `SLUICE_IO`.
   */
  open(options: {
    storeId: string;
    signal: AbortSignal;
    onProgress: (done: number, total: number) => void;
    /** To be called with the loaded number before readers see what was loaded; may throw. */
    check: (applied: number) => void;
    /**
     * For failures that stop nothing, such as derived data that is lost: the status shows the error
     * under this name until it is called with null. It may be called as long as the store is open.
     */
    onProblem: (what: string, error: SluiceError | null) => void;
  }): Promise<{ applied: number; notes?: LogNotes }>;
  /**
   * What the log has beyond the loaded number has been applied: all that was there before is here.
   * Until then a store that was open before may go on showing readers what it showed, so that what
   * they have seen doesn't vanish for a while, or until the next `open` when the replay fails. May
   * be called more than once.
   */
  recovered?(): void;
  /**
   * Applies one operation: all of it, or nothing and throw. A pure function of the operations
   * before it, so that a replay gives the same result and the same refusals. `opNum` grows from
   * call to call (by one, if the log is dense), except when a transient failure is tried again.
   * Returns the number of entries it touched.
   * Throwing declines the operation for ever, unless the error's kind is `transient`: then it is
   * applied again later and nothing overtakes it.
   */
  apply(opNum: number, operation: Op): number;
  /**
   * Ids of the segments in which the last `apply` put entries; none if it put none. Asked right after
   * it, when its caller waits with `wait: 'optimized'`. Without this method such a caller waits until
   * the optimizers have nothing left to do in the whole store.
   */
  touched?(): readonly number[];
  /**
   * The present segments, frozen ones included, in a stable order. Also called for status, so it
   * must be quick.
   */
  segments(): readonly Info[];
  /** Creates an appendable segment if none has room; called before each planning. */
  ensureCapacity(): void;
  /**
   * Bytes that no commit has written yet, about; the flush worker wakes when it passes a limit. What
   * a capture has taken may count until its commit, and must not afterwards.
   */
  dirtyBytes(): number;
  /**
   * Everything a commit needs, taken in one step. `applied` is the number of the last operation
   * that was applied or declined; the commit stores it and `open` gives it back. One capture is
   * released before the next is taken.
   *
   * A store that also stores `notes` and gives them back keeps what `changes` and `walDelta` tell
   * through a reopening. Without them, operations that the segments held when the store was opened
   * are shown as not declined, and their clock tags are not known any more.
   */
  capture(applied: number, notes: LogNotes): FlushCapture;
  /**
   * What is on disk and comes there. Where the store knows how much of the disk is free, it keeps
   * so much of it free that segments can be rewritten (see docs/operations.md).
   */
  diskUse?(): DiskUse;
  /** As `Wal.reclaim`, for what commits have dropped. */
  reclaim?(signal: AbortSignal): Promise<void>;
  /**
   * Bytes on disk that `reclaim` can give back, about; undefined: unknown. Neither what a reclaim
   * couldn't give back nor what runs have written and not swapped yet is among them.
   */
  garbageBytes?(): Promise<number | undefined>;
  /** Releases everything; waits for nothing but its own writes. Safe to call twice. */
  close(): Promise<void>;
}

/** One flush: a consistent picture of the segments on its way to disk. */
export interface FlushCapture {
  /**
   * False when the last commit already holds all of this: true also when nothing but a swap has
   * happened since, or a setting that is stored has changed. A round that finds false writes
   * nothing, unless `applied` is another one than in the last commit, which the core looks at
   * itself: that alone is worth a commit.
   */
  readonly changed: boolean;
  /** Writes data that nothing refers to yet; durable when it resolves. */
  writeBlocks(signal: AbortSignal): Promise<void>;
  /** One durable, atomic step to the new picture, which also drops what the old one alone named. */
  commit(): Promise<void>;
  /** Always called once at the end of the round. Without a commit, nothing counts as written. */
  release(): void;
}

/** Chooses segments that should be rewritten or given an index, and does that. */
export interface SegmentOptimizer<Info extends SegmentInfo = SegmentInfo> {
  readonly name: string;
  /**
   * Pure: the ids of the segments to optimize together, or none; asked again, with what it chose
   * added to `busy`, until it chooses none. Segments in `busy` are being optimized or backing off
   * and must not be chosen. All optimizers of the store together must come to an end: while nothing
   * is applied, each run has to lessen something, such as the number of segments or of dead entries.
   * What a run has made may be chosen only for a run that lessens more. Also called for status.
   */
  select(segments: readonly Info[], busy: ReadonlySet<number>): readonly number[];
  /**
   * Freezes the segments and returns the run, or undefined when one of them is gone or already
   * frozen. Synchronous; no I/O.
   *
   * Frozen means: new entries, and new versions of entries that were there, go elsewhere, so that
   * `begin` creates an appendable segment when it freezes the last one. Updates and deletes of the
   * frozen entries still take effect for readers at once; the run's `catchUp` and `swap` carry them
   * to the output, unless it has the sources' own entries, and after a rollback they are simply
   * there.
   */
  begin(ids: readonly number[]): Optimization | undefined;
}

/**
 * Where a store remembers how many processes in a row have died while they were optimizing. It is
 * written before the first optimization of a process, and after it has succeeded. Optional: without
 * one a crash loop is not noticed, and the optimizers always begin by themselves.
 */
export interface DeathCounter {
  /** What was written last; 0 at first. Called when the segments have been opened. */
  read(): Promise<number>;
  /**
   * With `sync`, resolves when the count survives a power cut; without, when it survives the death
   * of the process. Never called beside another `write`. A sticky error breaks the store; after
   * another one the optimizers go on without the count.
   */
  write(count: number, options: { sync: boolean }): Promise<void>;
}

/** How far an optimization has come, in points. */
export interface OptimizationProgress {
  copied: number;
  indexed: number;
  total: number;
}

/** What an asynchronous phase of an optimization is given. */
export interface OptimizationContext {
  signal: AbortSignal;
  /** Permits in hand: IO permits while copying, CPU permits while indexing. */
  permits: number;
  onProgress(progress: OptimizationProgress): void;
}

/**
 * One run of an optimizer: copy → index → catchUp → swap. When it is cancelled before `swap`, or
 * one of them fails, `swap` included, there follows: rollback → discard. Each is called at most
 * once, and not beside another (but see `rollback`).
 */
export interface Optimization {
  /** Live entries in the sources when the run began. */
  readonly points: number;
  /** CPU permits wanted for `index`; 0 when there is nothing to index (`index` is then not called). */
  readonly cpus: number;
  /**
   * Builds the output from the frozen sources and writes its blocks, which nothing refers to yet. A
   * run whose output has the sources' own entries and blocks makes ready what `index` needs.
   */
  copy(context: OptimizationContext): Promise<void>;
  /** Builds what needs the processor. */
  index(context: OptimizationContext): Promise<void>;
  /** Takes over the changes made to the sources meanwhile, until little is left. */
  catchUp(context: OptimizationContext): Promise<void>;
  /**
   * Takes the last changes and puts the output in the sources' place, in one synchronous step.
   * Returns the number of points in the output. Throwing leaves everything as before, to be
   * undone by `rollback`.
   *
   * A capture taken before may be on its way to disk and still name the sources' blocks: those that
   * the output doesn't have are dropped by the commit of a later one. That includes blocks that no
   * commit has ever named, when a run's output is replaced by another run before the next flush.
   */
  swap(): number;
  /**
   * Read after `swap`: ids of the segments that it has put in the sources' place, where those who
   * wait with `wait: 'optimized'` for a source go on waiting. Without it they wait from then on
   * until the optimizers have nothing left to do in the whole store.
   */
  readonly output?: readonly number[];
  /**
   * Unfreezes the sources, as if the run had never been. Synchronous, never throws. Comes after the
   * phase has settled, or, when its signal fired and it has not settled within 10 s, without it:
   * what such a phase still does must not matter.
   */
  rollback(): void;
  /**
   * Deletes what the run had written, blocks and index, after a rollback, as far as the phase that
   * failed has not done that itself. Not called when the storage is broken: the next opening finds
   * what nothing refers to.
   */
  discard(): Promise<void>;
}

import type { CoreOptions } from './core-options.js';
import { assert, isSticky, SluiceError, toSluiceError } from './errors.js';
import type { WorkerId } from './machines/signals.js';
import type { UpdateHandlerEvent } from './machines/update-handler-setup.js';
import { Applier } from './services/applier.js';
import { Capacity } from './services/capacity.js';
import { ErrorLog } from './services/error-log.js';
import { FlushRounds } from './services/flush-rounds.js';
import { Incarnations } from './services/incarnations.js';
import { KeepFrom } from './services/keep-from.js';
import { type FeedSource, LogFeed } from './services/log-feed.js';
import { LogNotebook } from './services/log-notes.js';
import { Observers } from './services/observers.js';
import type { OptimizationRun, RunEnd } from './services/optimization-run.js';
import { OptimizationRuns } from './services/optimization-runs.js';
import { OptimizerStart } from './services/optimizer-start.js';
import { OptimizerWaits } from './services/optimizer-waits.js';
import { Plungers } from './services/plungers.js';
import type { SegmentInfo, WalState } from './services/ports.js';
import { Reconfiguration } from './services/reconfiguration.js';
import { Recovery } from './services/recovery.js';
import type { SubmitOptions, SubmitResult } from './services/ticket.js';
import { WalTail } from './services/wal-tail.js';
import { type RunTimes, StoreLog } from './store-log.js';

/** What has not failed any more when the store has been opened. */
const PUT_RIGHT = [
  ...['open', 'wal', 'segments', 'flush'],
  ...['updateWorker', 'reclaim', 'breaking', 'storage'],
];

/** The services of one update handler, and what they tell each other; no state chart in here. */
export class Core<Op, Info extends SegmentInfo> {
  readonly options: CoreOptions<Op, Info>;
  readonly log: StoreLog;
  readonly observers = new Observers();
  readonly errors: ErrorLog;
  readonly keepFrom = new KeepFrom();
  readonly notes = new LogNotebook();
  readonly feed: LogFeed<Op>;
  readonly plungers = new Plungers();
  readonly reconfiguration = new Reconfiguration();
  readonly incarnations = new Incarnations<WorkerId | 'root'>();
  readonly tail: WalTail<Op>;
  readonly applier: Applier<Op>;
  readonly flush: FlushRounds;
  readonly runs: OptimizationRuns<Info>;
  readonly waits = new OptimizerWaits();
  readonly start: OptimizerStart;
  readonly capacity: Capacity;
  readonly counts = { applied: 0, declined: 0, retries: 0 };
  /** Set while the storage is broken: what failed. */
  broken: SluiceError | undefined;
  /** Why the last opening failed. */
  openFailure: unknown;
  /** Why the store could not be closed well. */
  closeFailure: unknown;
  /** True when the store has been open: its segments have something to show. */
  wasOpen = false;
  readonly recovery: Recovery;
  /** Sends an event to the root; set by whoever starts it. */
  send: (event: UpdateHandlerEvent) => void = () => {};
  /** What the last opening has found. */
  openedWith: { applied: number; log: WalState } | undefined;
  /** Ends the subscription to a log with other writers. */
  unwatch: () => void = () => {};
  #flushAsked = false;
  #recheckAsked = false;
  /** An operation has failed for now and is tried again. */
  #retrying = false;

  constructor(options: CoreOptions<Op, Info>) {
    const { wal, segments, clock, codec, limits } = options;
    this.options = options;
    this.log = new StoreLog(options.logger);
    this.errors = new ErrorLog(clock);
    this.recovery = new Recovery(clock, (operations, ms) => this.log.recovered(operations, ms));
    this.tail = new WalTail({
      wal,
      clock,
      limits,
      hooks: {
        onWork: () => this.send({ type: 'Operation' }),
        onAppended: () => this.errors.recovered('wal'),
        onVisible: () => this.feed.wake(),
        onAppendFailed: (error) => this.failIfSticky('wal', error),
        onApplied: (ticket, applied) => this.waits.add(ticket, applied, segments.touched?.()),
        canFreeWal: () => this.#canFreeWal(),
      },
    });
    this.applier = new Applier({
      tail: this.tail,
      wal,
      codec,
      segments,
      clock,
      hooks: {
        onApplied: (opNum, operation) => {
          this.counts.applied += 1;
          this.notes.add(opNum, options.clockTagOf(operation), false);
          this.#tell(operation, 'applied');
          this.#passed();
        },
        onDeclined: (opNum, operation, error) => {
          this.notes.add(opNum, options.clockTagOf(operation), true);
          this.#declined(opNum, operation, error);
        },
        onRetry: (opNum, operation, error) => this.#retried(opNum, operation, error),
        onBroken: (error) => this.breakIfSticky(error),
        onProgress: () => {
          this.errors.recovered('updateWorker');
          this.recovery.applied(this.tail.applied);
          if (this.recovery.isDone) segments.recovered?.();
          this.#flushIfDirty();
          this.capacity.noticed();
        },
      },
    });
    const { errors, keepFrom, notes, tail } = this;
    const isBroken = () => this.broken !== undefined;
    this.start = new OptimizerStart({
      mode: options.optimizersStart,
      counter: options.deathCounter,
      isBroken,
      onFailure: (error) => this.#deathNotCounted(error),
    });
    this.flush = new FlushRounds({ wal, segments, tail, clock, keepFrom, notes, errors });
    const { flush } = this;
    const source: FeedSource<Op> = {
      clock,
      get visible() {
        return tail.visible;
      },
      get forgotten() {
        return flush.forgotten;
      },
      read: (from, to) => wal.read(from, to),
      decode: (data) => codec.decode(data),
      isDeclined: (opNum) => notes.isDeclined(opNum),
      bytesToRead: (from) => tail.bytesToRead(from),
      recheck: () => tail.recheck(),
      onMoved: () => this.#readersMoved(),
    };
    this.feed = new LogFeed(source, keepFrom);
    this.capacity = new Capacity({
      ...{ wal, segments, tail, flush, errors, clock, ...options.disk },
      // Between two operations of one caller nothing waits either: not all of them are committed.
      isResting: () => tail.idle && flush.committed >= tail.end && this.runs.running.length === 0,
      hooks: {
        askForFlush: () => this.#askForFlush(),
        onShort: (error, freeBytes) => this.log.diskNearlyFull(error, freeBytes),
        onRoom: (freeBytes) => this.log.diskHasRoom(freeBytes),
        onUnknown: (error) => this.log.diskUnknown(error),
        onReclaimed: () => errors.recovered('reclaim'),
        onReclaimFailed: (error) => this.#reclaimFailed(error),
      },
    });
    this.runs = new OptimizationRuns({
      segments,
      optimizers: options.optimizers,
      ioBudget: options.ioBudget,
      cpuBudget: options.cpuBudget,
      clock,
      errors,
      beforeRun: () => this.start.beforeRun(),
      isBroken,
      onError: (error) => this.breakIfSticky(error),
      onEnd: (run, end, times) => this.#runEnded(run, end, times),
    });
  }

  /** The number of task slots that the settings in force allow. */
  get slots(): number {
    return Math.min(this.options.settings().maxOptimizationThreads ?? 60, 60);
  }

  /** A sticky error from anywhere breaks the store; others only go to the status. */
  failIfSticky(what: string, error: unknown): void {
    this.errors.report(what, error);
    this.breakIfSticky(error);
  }

  /** Something failed that stops nothing, or (null) is right again. */
  problem(what: string, error: SluiceError | null): void {
    if (error === null) {
      this.errors.recovered(what);
      return;
    }
    this.errors.report(what, error);
    this.log.missing(what, error);
  }

  /** As `failIfSticky`, for an error that the status may have already. */
  breakIfSticky(error: unknown): void {
    if (!isSticky(error) || this.broken !== undefined) return;
    this.broken = toSluiceError(error, 'SLUICE_IO');
    const { message } = this.broken;
    const isTold = this.errors.standing.some((told) => told.message === message);
    if (!isTold) this.errors.report('storage', this.broken);
    this.log.broken(error);
    // At once, so that nothing more is appended; the chart hears of it right afterwards.
    this.refuseEveryone();
    this.#sendSoon({ type: 'Broken' });
  }

  /** What a run left on disk could not be deleted: the next opening sweeps it. */
  rollbackFailed(error: unknown): void {
    this.log.blocksLeft(error);
    this.breakIfSticky(error);
  }

  /** What those get who ask for something that can't be done any more. */
  refusal(): SluiceError {
    return this.broken === undefined
      ? new SluiceError('SLUICE_STOPPED', 'the store has been stopped')
      : new SluiceError('SLUICE_BROKEN', `the storage is broken: ${this.broken.message}`, {
          cause: this.broken,
        });
  }

  /** Answers everyone who waits; what is in the log stays there. */
  refuseEveryone(): void {
    const refusal = this.refusal();
    this.tail.abandon(refusal);
    this.capacity.stop();
    this.plungers.rejectAll(refusal);
    this.flush.abandon(refusal);
    this.waits.refuse(refusal);
    this.feed.endAll(refusal);
    this.reconfiguration.refuse(refusal);
  }

  /** Submits an encoded operation, if there is room for it on disk; see `WalTail.submit`. */
  submit(data: Uint8Array, options: SubmitOptions, operation?: Op): Promise<SubmitResult> {
    try {
      if (this.tail.closed === undefined) {
        this.capacity.admit(data.byteLength, options.frees ?? false);
      }
    } catch (error) {
      return Promise.reject(error);
    }
    return this.tail.submit(data, options, operation);
  }

  /** Log and segments are open and fit together: operations are admitted, the replay may begin. */
  admit(): void {
    assert(this.openedWith !== undefined, 'the store has been opened');
    const { applied, log } = this.openedWith;
    this.broken = undefined;
    this.wasOpen = true;
    this.#flushAsked = false;
    for (const what of PUT_RIGHT) this.errors.recovered(what);
    this.recovery.begins(applied, log.last);
    this.tail.open(applied, log);
    this.unwatch = this.options.wal.watch?.((last) => this.tail.extend(last)) ?? (() => {});
  }

  /**
   * A pass of the scheduler begins: room is made, and those who wait for the optimizers are looked
   * at, once for all of them. `held`: the optimizers wait for a trigger.
   */
  beginPass(held: boolean): void {
    this.waits.passBegins();
    this.runs.ensureCapacity();
    const nothingStarts = this.slots === 0 ? 'disabled' : held ? 'waitingForTrigger' : undefined;
    if (this.waits.count > 0) this.waits.look(this.runs.wanted(), nothingStarts);
    // Held, there is no planning that could succeed.
    if (held) this.planned();
  }

  /** The optimizers have been asked, and what they want is prepared. */
  planned(): void {
    this.errors.recovered('optimizerScheduler');
    this.waits.passed();
  }

  /** A flush round has begun: asking for one means another one. */
  flushBegins(): void {
    this.#flushAsked = false;
  }

  /** The flush worker has crashed, and what it was asked for with it: its successor is asked anew. */
  flushCrashed(crash: SluiceError): void {
    this.#flushAsked = false;
    try {
      this.flush.roundFailed(crash);
    } finally {
      if (this.flush.isAsked) this.#askForFlush();
      else this.#flushIfDirty();
    }
  }

  #canFreeWal(): boolean {
    if (!this.flush.mayFree) return false;
    const { tail, feed } = this;
    const { wouldFree } = this.flush;
    // When everything has been applied and synced, nothing but readers stands in the way.
    const isStuck = !wouldFree && tail.visible >= tail.end;
    feed.evict(isStuck ? 0 : this.options.limits.walBytesMax / 2);
    // Readers wait for what isn't synced yet; a round sees to that as well.
    if (wouldFree || tail.visible < tail.applied) this.#askForFlush();
    return true;
  }

  /** Readers have read on, or ended: a full log may be able to forget more. */
  #readersMoved(): void {
    if (this.#recheckAsked) return;
    this.#recheckAsked = true;
    // Not at once: a reader may have been ended by the very look at what is full.
    queueMicrotask(() => {
      this.#recheckAsked = false;
      this.tail.recheck();
    });
  }

  #flushIfDirty(): void {
    if (this.flush.uncapturedBytes() > this.options.limits.dirtyBytesMax) this.#askForFlush();
  }

  #askForFlush(): void {
    if (this.#flushAsked) return;
    this.#flushAsked = true;
    this.#sendSoon({ type: 'Flush' });
  }

  /** For callers that may be inside an action of a chart, which must not run another one. */
  #sendSoon(event: UpdateHandlerEvent): void {
    queueMicrotask(() => this.send(event));
  }

  /** Nothing stands in the way any more: the operation that had failed for now is through. */
  #passed(): void {
    if (!this.#retrying) return;
    this.#retrying = false;
    this.errors.recovered('apply');
  }

  #tell(operation: Op, result: 'applied' | 'declined' | 'retried'): void {
    this.observers.tell((each) => each.onOperation(this.options.kindOf(operation), result));
  }

  #declined(opNum: number, operation: Op, error: unknown): void {
    this.#tell(operation, 'declined');
    this.counts.declined += 1;
    this.#passed();
    this.log.declined(opNum, error);
  }

  #retried(opNum: number, operation: Op, error: unknown): void {
    this.#tell(operation, 'retried');
    this.counts.retries += 1;
    this.#retrying = true;
    this.errors.report('apply', error);
    this.log.retried(opNum, error);
  }

  #reclaimFailed(error: unknown): void {
    this.log.reclaimFailed(error);
    this.failIfSticky('reclaim', error);
  }

  #deathNotCounted(error: unknown): void {
    this.log.deathNotCounted(error);
    this.breakIfSticky(error);
  }

  #runEnded(run: OptimizationRun, end: RunEnd, times: RunTimes): void {
    this.log.runEnded(run, end, times);
    if (end.outcome !== 'void') {
      this.observers.tell((each) => each.onOptimization(run.optimizer, times.ms, end));
    }
    this.start.runEnded(end.outcome === 'done', this.runs.running.length === 0);
    if (end.outcome === 'done') {
      this.waits.replaced(run.segmentIds, end.output);
      this.capacity.optimized();
    } else if (end.outcome === 'failed') this.breakIfSticky(end.error);
  }
}

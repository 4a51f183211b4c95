import { pino } from 'pino';
import { type ActorRefFrom, createActor } from 'xstate';
import { closeStore, storeMachine } from './actors.js';
import { bindCore } from './charted-core.js';
import { Core } from './core.js';
import type { CoreSettings } from './core-options.js';
import { SluiceError } from './errors.js';
import { openChanges, recoveryPointOf, walDeltaOf } from './log-access.js';
import type { updateHandlerMachine } from './machines/update-handler.js';
import { resolveOptions, SETTING_CHECKS } from './options.js';
import { rootState, taskOf } from './root-state.js';
import { systemClock } from './services/clock.js';
import { plainCodec } from './services/codec.js';
import type { StoreObserver } from './services/observers.js';
import { checkOptions, type OptionChecks } from './services/option-checks.js';
import type { OperationCodec, SegmentInfo } from './services/ports.js';
import { budgetSize, ResourceBudget } from './services/resource-budget.js';
import { deriveStatus, type Status } from './services/status.js';
import { type SubmitOptions, type SubmitResult, waitOption } from './services/ticket.js';
import { telemetryOf } from './telemetry.js';
import type {
  Change,
  ChangesOptions,
  Optimizations,
  RecoveryPoint,
  Telemetry,
  WalDelta,
} from './types.js';
import { resolvable, type UpdateHandlerOptions } from './update-handler-options.js';

/**
 * Creates the actors of a store and opens it. Await `ready()` before the first operation.
 * Errors: `SLUICE_BAD_OPTION`; a `TypeError` when an adapter is missing.
 *
 * @example
 * const handler = createUpdateHandler({ wal: memoryWal(), segments, optimizers });
 * await handler.ready();
 * await handler.submit({ put: ['a', 1] }, { wait: true });
 * await handler.stop();
 */
export function createUpdateHandler<Op, Info extends SegmentInfo = SegmentInfo>(
  options: UpdateHandlerOptions<Op, Info>,
): UpdateHandler<Op, Info> {
  return new UpdateHandler(options);
}

/** The kind of operations whose kinds nobody tells. */
const UPDATE = 'update';

/** A running store: the façade over its actors. */
export class UpdateHandler<Op, Info extends SegmentInfo = SegmentInfo> {
  readonly #core: Core<Op, Info>;
  readonly #root: ActorRefFrom<typeof updateHandlerMachine>;
  readonly #codec: OperationCodec<Op>;
  readonly #kindOf: (operation: Op) => string;
  #current: CoreSettings;
  #crash: unknown;
  #stopped: Promise<void> | undefined;

  constructor(options: UpdateHandlerOptions<Op, Info>) {
    const { wal, segments, optimizers = [], codec = plainCodec<Op>(), settings } = options;
    if (typeof wal?.append !== 'function') throw new TypeError('the option wal must be a Wal');
    if (typeof segments?.apply !== 'function') {
      throw new TypeError('the option segments must be a SegmentHolder');
    }
    const { onOpened, onClosed, deathCounter } = options;
    const { clockTagOf = () => undefined, kindOf = () => UPDATE } = options;
    if (typeof clockTagOf !== 'function') throw new TypeError('clockTagOf must be a function');
    if (typeof kindOf !== 'function') throw new TypeError('kindOf must be a function');
    const resolved = resolveOptions(resolvable(options));
    const { logger, inspect, clock = systemClock, budgets, freeBytes } = resolved;
    const size = budgetSize(resolved.cpuBudget, resolved.cpus);
    this.#codec = codec;
    this.#kindOf = kindOf;
    const { flushIntervalMs, maxOptimizationThreads } = resolved;
    this.#current = { flushIntervalMs, maxOptimizationThreads };
    this.#core = new Core<Op, Info>({
      wal,
      segments,
      optimizers,
      codec,
      clockTagOf,
      kindOf,
      clock,
      logger: logger ?? pino({ level: 'silent' }),
      limits: {
        entriesMax: resolved.updateQueueLengthMax,
        bytesMax: resolved.updateQueueBytesMax,
        windowBytesMax: resolved.windowBytesMax,
        walBytesMax: resolved.walBytesMax,
        dirtyBytesMax: resolved.dirtyBytesMax,
      },
      disk: { freeBytes, marginBytes: resolved.diskMarginBytes },
      ioBudget: budgets?.io ?? new ResourceBudget(size),
      cpuBudget: budgets?.cpu ?? new ResourceBudget(size),
      optimizersStart: resolved.optimizersStart,
      deathCounter,
      settings: settings ?? (() => this.#current),
      onOpened: onOpened ?? (async () => {}),
      onClosed: onClosed ?? (async () => {}),
    });
    this.#root = createActor(storeMachine, {
      id: 'updateHandler',
      input: { slots: 0, flushIntervalMs },
      clock,
      ...(inspect === undefined ? {} : { inspect }),
    });
    bindCore(this.#root.system, this.#core);
    this.#core.send = (event) => this.#root.send(event);
    this.#root.subscribe({ error: (error) => this.#crashed(error) });
    this.#root.start();
  }

  /** The root actor, for inspection: its snapshot, and its children's. Send it nothing. */
  get actor(): ActorRefFrom<typeof updateHandlerMachine> {
    return this.#root;
  }

  /** `opening`, `recovering`, `running`, `reconfiguring`, `stopping`, `closing`, `stopped` or `broken`. */
  get state(): string {
    return this.#crash === undefined ? rootState(this.#root.getSnapshot()) : 'broken';
  }

  /**
   * Resolves when the store is open and every acknowledged operation is visible.
   * Errors: what opening it failed with, e.g. `SLUICE_LOCKED`, `SLUICE_DAMAGED`, `SLUICE_IO`;
   * `SLUICE_BROKEN` when the storage failed afterwards; `SLUICE_STOPPED`.
   */
  ready(): Promise<void> {
    return this.#until((state) => state === 'running');
  }

  /**
   * Submits one operation. The order of the calls is the order of the log.
   * Errors: those of the codec and of `apply` (when waiting), `SLUICE_OPERATION_TOO_LARGE`,
   * `SLUICE_BAD_OPTION`, `SLUICE_WAL_FULL`, `SLUICE_NOT_ENOUGH_SPACE`, `SLUICE_ABORTED`,
   * `SLUICE_STOPPED`, `SLUICE_BROKEN`, `SLUICE_IO`.
   */
  async submit(operation: Op, options: SubmitOptions = { wait: true }): Promise<SubmitResult> {
    const { wait = true, signal, timeoutMs } = options;
    const frees = options.frees ?? this.#codec.frees?.(operation);
    const kind = options.kind ?? this.#kindOf(operation);
    const checked = { wait: waitOption(wait, 'wait'), signal, timeoutMs, frees, kind };
    return this.submitEncoded(this.#codec.encode(operation), checked);
  }

  /**
   * Submits an operation that `codec.encode` has encoded. With `operation`, which must be what
   * `decode` would give and nobody may change any more, it isn't decoded again.
   */
  submitEncoded(data: Uint8Array, options: SubmitOptions, operation?: Op): Promise<SubmitResult> {
    const {
      observers,
      options: { clock },
    } = this.#core;
    const answer = this.#core.submit(data, options, operation);
    if (!observers.isEmpty) observers.tellAnswer(answer, options.kind ?? UPDATE, clock);
    return answer;
  }

  /** Has an observer told of everything that is worth counting, until the returned function is called. */
  observe(observer: StoreObserver): () => void {
    return this.#core.observers.add(observer);
  }

  /**
   * Makes the optimizers look again, after everything submitted before, also at what is backing off
   * and whatever their limit; ends their waiting for a trigger. Nothing if not open.
   */
  trigger(): void {
    if (this.#core.tail.closed !== undefined) return;
    this.#core.runs.forgetBackOff();
    this.#core.tail.signal({ signal: 'Nop', id: 0 });
  }

  /**
   * Resolves when everything submitted before has been applied (or declined).
   * Errors: `SLUICE_NOT_OPEN`, `SLUICE_STOPPED`, `SLUICE_BROKEN`.
   */
  plunge(): Promise<void> {
    const refusal = this.#refuses ? this.#core.refusal() : this.#core.tail.closed;
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#core.plungers.wait((id) => this.#core.tail.signal({ signal: 'Plunger', id }));
  }

  /** Resolves when a flush round that began after this call has ended well; rejects with its error. */
  flush(): Promise<void> {
    if (this.#refuses) return Promise.reject(this.#core.refusal());
    const done = this.#core.flush.request();
    this.#root.send({ type: 'Flush' });
    return done;
  }

  /**
   * Flushes, then gives back to the disk what was deleted or replaced, if there is enough of it, and
   * resolves when that has ended; the status tells of a failure. Errors: those of `flush`.
   */
  async reclaim(): Promise<void> {
    await this.flush();
    await this.#core.capacity.reclaim();
  }

  /**
   * Cancels running optimizations, then puts new settings in force in one step, together with
   * `change`. Nothing submitted is lost; the last of several calls wins; each resolves when it is
   * in force. Errors: `SLUICE_BAD_OPTION`, what `change` or the option `settings` throws;
   * `SLUICE_STOPPED` and `SLUICE_BROKEN`, after which nothing is changed.
   */
  reconfigure(settings: Partial<CoreSettings>, change: () => void = () => {}): Promise<void> {
    if (this.#refuses) return Promise.reject(this.#core.refusal());
    const given = checkOptions<CoreSettings>(settings, RECONFIGURABLE);
    const done = this.#core.reconfiguration.request(() => {
      change();
      // What other calls have set is kept, also if they came since this one.
      this.#current = { ...this.#current, ...given };
    });
    this.#root.send({ type: 'Reconfigure' });
    return done;
  }

  /**
   * Keeps records at and above `opNum` in the log until the returned function is called; 0 keeps
   * all. Of several holders the lowest counts. It outlasts `reopen`. Unlike a reader it is never
   * taken away: a log that is full because of it declines. Errors: `SLUICE_WAL_TRUNCATED` when it is
   * too late, `SLUICE_NOT_OPEN`; a `TypeError`.
   */
  keepWalFrom(opNum: number): () => void {
    return this.#core.keepFrom.hold(opNum, this.#core.flush.forgotten);
  }

  /**
   * The operations of the log, each once, in their order: those that are synced and applied or
   * declined. Keeps what it has not given yet in the log, from this call until the iteration ends,
   * whyever; one that nobody holds any more ends when it is noticed. Without `follow` it ends at
   * what was visible when it was called. What was written with `wait: false` is visible at the
   * latest after the next flush round.
   *
   * Throws `SLUICE_BAD_OPTION`, `SLUICE_WAL_TRUNCATED` when `from` is already forgotten,
   * `SLUICE_NOT_OPEN`. The iteration rejects with `SLUICE_READER_TOO_SLOW` when it keeps the log
   * full, `SLUICE_STOPPED`, `SLUICE_BROKEN` (also after `reopen`), `SLUICE_ABORTED`, and the
   * errors of reading.
   */
  changes(options?: ChangesOptions): AsyncIterableIterator<Change<Op>> {
    return openChanges(this.#core, options);
  }

  /**
   * The newest tick of each clock among the operations that are synced and applied. Needs the option
   * `clockTagOf`. Errors: `SLUICE_NOT_OPEN`.
   */
  recoveryPoint(): RecoveryPoint {
    return recoveryPointOf(this.#core);
  }

  /**
   * What a store with this recovery point lacks of the log. Nothing keeps the log from forgetting it
   * afterwards but `keepWalFrom`. Errors: `SLUICE_BAD_OPTION`, a `TypeError`, `SLUICE_NOT_OPEN`.
   */
  walDelta(recoveryPoint: RecoveryPoint): Promise<WalDelta> {
    return walDeltaOf(this.#core, recoveryPoint);
  }

  /** How the store is; see `StatusColor`. */
  status(): Status {
    const { tail, runs, errors, slots, start } = this.#core;
    const behind = Math.max(tail.end - tail.applied, 0);
    const { held } = this.#root.getSnapshot().context;
    const heldBecause = held ? start.heldBecause : undefined;
    return deriveStatus({ state: this.state, behind, slots, heldBecause, runs, errors });
  }

  /** What the optimizers do, will do and have done. */
  optimizations(): Optimizations<Info> {
    const { runs } = this.#core;
    const log = runs.trackers.list();
    const running = log.filter(({ status }) => status.state === 'optimizing');
    const queued = this.#isLive ? runs.pending() : [];
    const taken = new Set([...running, ...queued].flatMap(({ segmentIds }) => segmentIds));
    return {
      running,
      queued,
      completed: log.filter(({ status }) => status.state !== 'optimizing').slice(0, 16),
      idle: this.segments().filter(({ id }) => !taken.has(id)),
    };
  }

  /** The segments, as the optimizers see them; none while the store isn't open. */
  segments(): readonly Info[] {
    return this.#isLive ? this.#core.options.segments.segments() : [];
  }

  /**
   * Cancels the optimization that works on this segment: it undoes everything, and its segments are
   * left alone for a minute, or until `trigger`. False when there is none, or when it is swapping
   * or ending already.
   */
  cancelOptimization(segmentId: number): boolean {
    const { runs } = this.#core;
    const run = runs.workingOn(segmentId);
    const task = run === undefined ? undefined : taskOf(this.#root.getSnapshot(), run);
    const stop = { type: 'Stop', why: 'cancelled by the caller' } as const;
    if (run === undefined || task?.getSnapshot().can(stop) !== true) return false;
    runs.postpone(run);
    task.send(stop);
    return true;
  }

  /** Counters since the store was opened, what is used of its limits, and how it is. */
  telemetry(): Telemetry<Info> {
    const { state } = this;
    return telemetryOf(this.#core, { state, status: this.status(), segments: this.segments() });
  }

  /**
   * Resolves when the optimizers have been asked again in a pass that begins after this call, which
   * also follows each end of a run; at once when the store stops, breaks, or the signal fires.
   */
  nextPass(signal: AbortSignal): Promise<void> {
    if (this.#refuses) return Promise.resolve();
    return this.#core.waits.nextPass(signal);
  }

  /** Out of `broken`: opens again, which finds out what was really written. */
  async reopen(): Promise<void> {
    if (this.state !== 'broken' || this.#crash !== undefined) {
      throw new SluiceError(
        'SLUICE_NOT_OPEN',
        `only a broken store is reopened, not a ${this.state} one`,
      );
    }
    this.#core.openFailure = undefined;
    this.#root.send({ type: 'Reopen' });
    await this.#until((state) => state === 'running');
  }

  /**
   * Applies what is in the log, cancels optimizations, flushes, closes. Each stage has a limit.
   * May be called in any state, and more than once. Rejects when log or segments could not be
   * closed; a last flush that fails is no error, because the log has everything.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    if (this.#crash !== undefined) return closeStore(this.#core);
    if (this.#root.getSnapshot().status === 'done') return;
    const ended = new Promise<void>((resolve, reject) => {
      this.#root.subscribe({ complete: resolve, error: reject });
    });
    this.#root.send({ type: 'Stop' });
    await ended;
    if (this.#core.closeFailure !== undefined) throw this.#core.closeFailure;
  }

  get #isLive(): boolean {
    return ['recovering', 'running', 'reconfiguring', 'stopping'].includes(this.state);
  }

  get #refuses(): boolean {
    return ['stopping', 'closing', 'stopped', 'broken'].includes(this.state);
  }

  /** Resolves when the root is in such a state; rejects when it can't get there by itself. */
  #until(isReached: (state: string) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const { state } = this;
        const failure = this.#core.openFailure;
        // Broken ends the waiting unless a reopening is on its way.
        const { reopening } = this.#root.getSnapshot().context;
        const isFailed = state === 'broken' ? !reopening : state === 'stopped';
        if (!isReached(state) && !isFailed) return;
        queueMicrotask(() => subscription.unsubscribe());
        if (isFailed) reject(failure ?? this.#core.refusal());
        else resolve();
      };
      const subscription = this.#root.subscribe({ next: look, complete: look, error: reject });
      look();
    });
  }

  /** The root itself has died: a defect. Nothing is written any more, everyone is answered. */
  #crashed(error: unknown): void {
    this.#crash = error;
    this.#core.errors.report('updateHandler', error);
    this.#core.log.crashed(error);
    this.#core.incarnations.abortAll('the update handler has crashed');
    this.#core.refuseEveryone();
  }
}

const RECONFIGURABLE: OptionChecks<CoreSettings> = {
  flushIntervalMs: SETTING_CHECKS.flushIntervalMs,
  maxOptimizationThreads: SETTING_CHECKS.maxOptimizationThreads,
};

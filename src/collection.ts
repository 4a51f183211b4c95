import type { CollectionInfo } from './collection-info.js';
import { optimizeUntilDone } from './collection-optimize.js';
import {
  COUNT_CHECKS,
  type CollectionScrollOptions,
  type CollectionSearchOptions,
  type ConfigurationPatch,
  checkConfigurationPatch,
  GET_CHECKS,
  OPTIMIZE_CHECKS,
  type OptimizeOptions,
  SCROLL_CHECKS,
  SEARCH_CHECKS,
  SET_PAYLOAD_CHECKS,
  type SetPayloadOptions,
} from './collection-options.js';
import type { CollectionParts } from './collection-parts.js';
import {
  SNAPSHOT_CHECKS,
  type SnapshotOptions,
  type SnapshotResult,
  Snapshots,
} from './collection-snapshot.js';
import { SluiceError } from './errors.js';
import { checkOptions } from './services/option-checks.js';
import { checkIds } from './services/points/check-id.js';
import { checkVector } from './services/points/check-vector.js';
import type { PayloadIndexType, PointOperation } from './services/points/operations.js';
import type { ScrollPage } from './services/points/scroll.js';
import type { PointSegmentInfo } from './services/points/segment-info.js';
import { checkUpdateOptions } from './services/points/update-options.js';
import {
  buildClearPayload,
  buildCreatePayloadIndex,
  buildDelete,
  buildDeletePayload,
  buildDeletePayloadIndex,
  buildOverwritePayload,
  buildSetPayload,
  buildUpdateVectors,
  buildUpsert,
} from './services/points/validate.js';
import type { Status } from './services/status.js';
import { SubmittedClocks } from './services/submitted-clocks.js';
import type {
  Change,
  ChangesOptions,
  ClockTag,
  Filter,
  Optimizations,
  Payload,
  Point,
  PointId,
  PointInput,
  PointSelector,
  RecoveryPoint,
  ScoredPoint,
  Telemetry,
  UpdateOptions,
  UpdateResult,
  Vector,
  WalDelta,
} from './types.js';
import type { UpdateHandler } from './update-handler.js';

/** How long `close` waits for readers. */
const READERS_LIMIT_MS = 5000;

/** A collection of points: ids, vectors and payloads. Made by `openCollection`. */
export class Collection {
  readonly #parts: CollectionParts;
  readonly #handler: UpdateHandler<PointOperation, PointSegmentInfo>;
  readonly #clocks: SubmittedClocks;
  readonly #snapshots: Snapshots;
  #closing: Promise<void> | undefined;

  constructor(parts: CollectionParts) {
    this.#parts = parts;
    this.#handler = parts.handler;
    this.#clocks = new SubmittedClocks(() => parts.holder);
    this.#snapshots = new Snapshots(parts);
  }

  /** Resolves when the collection is open; see `openCollection` for the errors. */
  async ready(): Promise<void> {
    await this.#handler.ready();
    this.#hasOpened();
  }

  /** The core beneath: its root actor, for inspection. */
  get handler(): UpdateHandler<PointOperation, PointSegmentInfo> {
    return this.#handler;
  }

  /**
   * Adds points, or replaces those with the same ids. All or nothing; of points with the same id
   * the last one counts. Errors: `SLUICE_BAD_ID`, `SLUICE_BAD_VECTOR`, `SLUICE_BAD_PAYLOAD`,
   * `SLUICE_OPERATION_TOO_LARGE`, and those of every update: `SLUICE_BAD_OPTION`, `SLUICE_WAL_FULL`,
   * `SLUICE_NOT_ENOUGH_SPACE` (not for deletes), `SLUICE_ABORTED`, `SLUICE_STOPPED`,
   * `SLUICE_BROKEN`, `SLUICE_IO`, `SLUICE_DISK_FULL`.
   */
  upsert(points: readonly PointInput[], options?: UpdateOptions): Promise<UpdateResult> {
    return this.#update(options, (tag) => buildUpsert(points, this.#dimensions, tag));
  }

  /** Deletes points; ids that don't exist count 0. Errors: `SLUICE_BAD_ID`, `SLUICE_BAD_FILTER`. */
  delete(selector: PointSelector, options?: UpdateOptions): Promise<UpdateResult> {
    return this.#update(options, (tag) => buildDelete(selector, tag));
  }

  /** Replaces vectors of points that exist. Errors: `SLUICE_POINT_NOT_FOUND` (nothing is changed). */
  updateVectors(
    points: readonly { id: PointId; vector: Vector }[],
    options?: UpdateOptions,
  ): Promise<UpdateResult> {
    return this.#update(options, (tag) => buildUpdateVectors(points, this.#dimensions, tag));
  }

  /** Merges fields into payloads, or into the object at the path `key`. Errors: `SLUICE_POINT_NOT_FOUND`. */
  async setPayload(
    payload: Payload,
    selector: PointSelector,
    options?: SetPayloadOptions,
  ): Promise<UpdateResult> {
    const { key, ...rest } = checkOptions<SetPayloadOptions>(options, SET_PAYLOAD_CHECKS);
    return this.#update(rest, (tag) => buildSetPayload(payload, selector, key, tag));
  }

  /** Replaces whole payloads. Errors: `SLUICE_POINT_NOT_FOUND`. */
  overwritePayload(
    payload: Payload,
    selector: PointSelector,
    options?: UpdateOptions,
  ): Promise<UpdateResult> {
    return this.#update(options, (tag) => buildOverwritePayload(payload, selector, tag));
  }

  /** Deletes fields of payloads, by their paths. Errors: `SLUICE_POINT_NOT_FOUND`. */
  deletePayload(
    keys: readonly string[],
    selector: PointSelector,
    options?: UpdateOptions,
  ): Promise<UpdateResult> {
    return this.#update(options, (tag) => buildDeletePayload(keys, selector, tag));
  }

  /** Empties payloads. Errors: `SLUICE_POINT_NOT_FOUND`. */
  clearPayload(selector: PointSelector, options?: UpdateOptions): Promise<UpdateResult> {
    return this.#update(options, (tag) => buildClearPayload(selector, tag));
  }

  /**
   * Indexes a payload field, or changes the type of its index. Filters with `match` or `range` on
   * this path then look at fewer points; the first read that can use it builds it, in slices. The
   * declaration is stored with the collection. Errors: `SLUICE_BAD_PAYLOAD`, `SLUICE_BAD_OPTION`.
   */
  createPayloadIndex(
    key: string,
    type: PayloadIndexType,
    options?: UpdateOptions,
  ): Promise<UpdateResult> {
    return this.#update(options, (tag) => buildCreatePayloadIndex(key, type, tag));
  }

  /** Drops the index of a payload field and its memory. Errors: `SLUICE_BAD_PAYLOAD`. */
  deletePayloadIndex(key: string, options?: UpdateOptions): Promise<UpdateResult> {
    return this.#update(options, (tag) => buildDeletePayloadIndex(key, tag));
  }

  /** The points that exist, in the order asked. Errors: `SLUICE_BAD_ID`. */
  async get(ids: readonly PointId[], options?: { withVector?: boolean }): Promise<Point[]> {
    this.#assertOpen();
    return this.#parts.holder.get(checkIds(ids), checkOptions(options, GET_CHECKS));
  }

  /** A page of points in the order of their ids: numbers, then strings. Errors: `SLUICE_BAD_FILTER`. */
  async scroll(options?: CollectionScrollOptions): Promise<ScrollPage> {
    this.#assertOpen();
    return this.#parts.holder.scroll(checkOptions(options, SCROLL_CHECKS));
  }

  /** The number of points, or of those that pass the filter. Errors: `SLUICE_BAD_FILTER`. */
  async count(options?: { filter?: Filter; signal?: AbortSignal }): Promise<number> {
    this.#assertOpen();
    return this.#parts.holder.count(checkOptions(options, COUNT_CHECKS));
  }

  /**
   * The nearest points, nearest first, equal scores by id. `score` is the cosine, the dot product,
   * or the euclidean distance. Errors: `SLUICE_BAD_VECTOR`, `SLUICE_BAD_FILTER`, `SLUICE_BAD_OPTION`.
   */
  async search(vector: Vector, options: CollectionSearchOptions): Promise<ScoredPoint[]> {
    this.#assertOpen();
    const query = checkVector(vector, this.#dimensions);
    const { limit, ...rest } = checkOptions<CollectionSearchOptions>(options, SEARCH_CHECKS);
    if (limit === undefined) throw new TypeError('search needs the option limit');
    return this.#parts.holder.search(query, { limit, ...rest });
  }

  /** Resolves when everything submitted before has been applied. */
  plunge(): Promise<void> {
    return this.#handler.plunge();
  }

  /** Resolves when everything applied before is in the segments on disk. */
  flush(): Promise<void> {
    return this.#handler.flush();
  }

  /** Makes the optimizers look again, also at what is backing off, and ends their waiting for a trigger. */
  trigger(): void {
    this.#handler.trigger();
  }

  /**
   * Triggers the optimizers and resolves when they have nothing left to do, and what they replaced is
   * given back to the disk if that is worth it. With the status: `green`, or `grey` when disabled.
   * Errors: `SLUICE_ABORTED`, `SLUICE_BAD_OPTION`; what an optimization failed with; as `flush`.
   */
  async optimize(options?: OptimizeOptions): Promise<Status> {
    const checked = checkOptions<OptimizeOptions>(options, OPTIMIZE_CHECKS);
    return optimizeUntilDone(this.#handler, checked, this.#parts.clock);
  }

  /**
   * Changes the stored configuration: running optimizations are cancelled, nothing submitted is
   * lost, the last of several calls wins. Resolves when it is in force and on disk, also when the
   * collection is closed meanwhile. Errors: `SLUICE_BAD_OPTION`; `SLUICE_STOPPED` when closing came
   * first, then nothing is changed; those of `flush`, after which the next commit still holds it.
   */
  async configure(patch: ConfigurationPatch): Promise<void> {
    const checked = checkConfigurationPatch(patch);
    let stored: Promise<void> | undefined;
    await this.#handler.reconfigure({}, () => {
      this.#parts.configure(checked);
      // Asked for in the same step: also the last round of a collection that closes comes after it.
      stored = this.flush();
      stored.catch(() => {
        // Told to the caller below.
      });
    });
    await stored;
  }

  /** `green`, `yellow`, `grey` or `red`, why, and what has failed. */
  status(): Status {
    return this.#handler.status();
  }

  /** What the optimizers do, will do and have done. */
  optimizations(): Optimizations<PointSegmentInfo> {
    return this.#handler.optimizations();
  }

  /** Cancels the optimization that works on this segment; see `UpdateHandler.cancelOptimization`. */
  cancelOptimization(segmentId: number): boolean {
    return this.#handler.cancelOptimization(segmentId);
  }

  /** Counters since opening, what is used of the limits, and how the collection is. */
  telemetry(): Telemetry<PointSegmentInfo> {
    return this.#handler.telemetry();
  }

  /** What the collection is and holds. */
  info(): CollectionInfo {
    const { holder, path } = this.#parts;
    const { log } = this.#handler.telemetry();
    const { points, segments, payloadIndexes, applied = log.applied } = holder.shown;
    return {
      ...(path === undefined ? {} : { path }),
      dimensions: holder.dimensions,
      distance: holder.distance,
      points,
      segments,
      wal: { acked: log.acked, applied, last: log.last },
      payloadIndexes,
      configuration: {
        ...holder.configuration,
        optimizers: holder.optimizerOptions,
        hnsw: holder.hnswOptions,
        flushIntervalMs: this.#parts.settings().flushIntervalMs,
      },
    };
  }

  /**
   * The operations of the log in their order, as an async iterator; see `UpdateHandler.changes`,
   * also for the errors.
   */
  changes(options?: ChangesOptions): AsyncIterableIterator<Change<PointOperation>> {
    this.#assertOpen();
    return this.#handler.changes(options);
  }

  /** The newest tick of each writer's clock, of what is synced and applied; plain JSON. */
  recoveryPoint(): RecoveryPoint {
    this.#assertOpen();
    return this.#handler.recoveryPoint();
  }

  /**
   * Which operations of the log a collection lacks whose recovery point this is. Take a
   * `keepWalFrom(0)` first, to find them still there. Errors: `SLUICE_BAD_OPTION`.
   */
  async walDelta(recoveryPoint: RecoveryPoint): Promise<WalDelta> {
    this.#assertOpen();
    return this.#handler.walDelta(recoveryPoint);
  }

  /**
   * Keeps the log from this op number on, 0 all of it; returns what ends that. See
   * `UpdateHandler.keepWalFrom`. Errors: `SLUICE_WAL_TRUNCATED`.
   */
  keepWalFrom(opNum: number): () => void {
    return this.#handler.keepWalFrom(opNum);
  }

  /**
   * Writes a collection of its own into a missing or empty directory: the exact effects of
   * operations 1…opNum, among them everything that was submitted before the call. Updates and
   * optimizations go on meanwhile. When it rejects, nothing is left of it and the collection is
   * well. Errors: `SLUICE_EXISTS`, `SLUICE_BAD_OPTION` for a directory within the collection's own,
   * `SLUICE_NOT_ENOUGH_SPACE`, `SLUICE_DISK_FULL`, `SLUICE_ABORTED`, `SLUICE_STOPPED`,
   * `SLUICE_BROKEN`, `SLUICE_LOCKED`, `SLUICE_DAMAGED`, `SLUICE_NOT_A_STORE`, `SLUICE_IO`.
   */
  async snapshot(path: string, options?: SnapshotOptions): Promise<SnapshotResult> {
    if (typeof path !== 'string' || path === '') throw new TypeError('snapshot takes a path');
    const checked = checkOptions<SnapshotOptions>(options, SNAPSHOT_CHECKS);
    this.#assertOpen();
    return this.#snapshots.take(path, checked);
  }

  /** Opens again after the storage has failed, which finds out what was really written. */
  async reopen(): Promise<void> {
    await this.#handler.reopen();
    this.#hasOpened();
  }

  #hasOpened(): void {
    this.#clocks.reset();
    // Beside everything else: nobody waits for that.
    void this.#parts.holder.settle();
  }

  /**
   * Waits for readers within a limit, applies what is in the log, cancels optimizations, flushes,
   * closes. May be called more than once, and while the collection is opening.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#parts.holder.idle(READERS_LIMIT_MS);
    if (this.#snapshots.running > 0) await this.#snapshots.close();
    try {
      await this.#handler.stop();
    } finally {
      await this.#parts.inspection?.close();
    }
  }

  async #update(
    options: UpdateOptions | undefined,
    build: (tag: ClockTag | undefined) => PointOperation,
  ): Promise<UpdateResult> {
    this.#assertOpen();
    const { wait = true, signal, timeoutMs, clockTag } = checkUpdateOptions(options);
    const operation = build(clockTag);
    const data = this.#parts.codec.encode(operation);
    const frees = this.#parts.codec.frees?.(operation);
    const { kind } = operation;
    const submit = { wait, signal, timeoutMs, frees, kind };
    // It is a copy of what the caller gave: nobody else can change it.
    const write = () => this.#handler.submitEncoded(data, submit, operation);
    return clockTag === undefined ? write() : this.#clocks.submit(clockTag, write);
  }

  get #dimensions(): number {
    return this.#parts.holder.dimensions;
  }

  #assertOpen(): void {
    if (this.#closing === undefined) return;
    throw new SluiceError('SLUICE_STOPPED', 'the collection has been closed');
  }
}

import { assert, SluiceError } from '../../errors.js';
import type {
  ClockTag,
  Distance,
  Filter,
  HnswOptions,
  JsonValue,
  OptimizerOptions,
  Point,
  PointId,
  ScoredPoint,
} from '../../types.js';
import type { ClockRecord } from '../clocks.js';
import { COMPACTED_MAX } from '../disk-watch.js';
import { unknownNotes } from '../log-notes.js';
import { indexingThresholdBytes } from '../optimizer-options.js';
import type { DiskUse, LogNotes, Optimization, SegmentHolder } from '../ports.js';
import { indexingThreads } from '../resource-budget.js';
import { PointCapture } from './capture.js';
import { checkShape, shapeOfNew } from './collection-shape.js';
import { type Configuration, mergeConfiguration } from './configuration.js';
import type { PointHolderOptions } from './holder-options.js';
import { IndexKeeper, type ProblemListener } from './index-keeper.js';
import { loadSegments, settleVectors } from './load.js';
import { checkManifest, emptyManifest, keysOf } from './manifest.js';
import type { PayloadIndexType, PointOperation } from './operations.js';
import type { Pace } from './pace.js';
import { beginRewrite } from './rewrite.js';
import { diskUse, RewriteSpace } from './rewrite-space.js';
import { unsavedBytes } from './save.js';
import { count, type ScrollOptions, type ScrollPage, scroll, toPoint } from './scroll.js';
import { search } from './search.js';
import type { SearchOptions } from './search-options.js';
import type { Segment } from './segment.js';
import type { OutputIndexing } from './segment-index.js';
import { infoOf, type PointSegmentInfo, type ShownInfo } from './segment-info.js';
import { PointSnapshot } from './snapshot.js';
import { PointState } from './state.js';
import { findPoint } from './transaction.js';
import type { View } from './view.js';
import { type ReadOptions, Views } from './views.js';

/**
 * The segments of a point collection. Writing is synchronous; reads that look at many points take
 * a view and work in slices, so that they neither block the event loop nor see half a change.
 *
 * @see Qdrant `lib/shard/src/segment_holder`
 */
export class PointHolder implements SegmentHolder<PointOperation, PointSegmentInfo> {
  readonly #options: PointHolderOptions;
  /** What this process asked for: the options, and each `configure` since. */
  #wanted: Configuration;
  #state: PointState | undefined;
  /** What readers are shown until a reopening has replayed the log: what there was before it. */
  #shown: PointState | undefined;
  #committedRevision: string | undefined;
  /** Whether an empty store may become one of ours; not once there has been one. */
  #mayCreate: boolean;
  /** The capture that isn't released yet. */
  #capturing: PointCapture | undefined;
  readonly #givenUp: string[] = [];
  readonly #views: Views;
  /** Absent where there are no vector indexes. */
  readonly #keeper: IndexKeeper | undefined;
  /** Where those who are about to write much claim room. */
  readonly space: RewriteSpace;

  constructor(options: PointHolderOptions) {
    this.#options = options;
    this.#wanted = mergeConfiguration({}, options.configuration ?? {});
    this.#mayCreate = options.create ?? true;
    this.#views = new Views(options.clock);
    this.#keeper = options.indexes && new IndexKeeper(options.indexes);
    // A flush and what the database compacts come first.
    this.space = new RewriteSpace(
      options.freeBytes,
      () => 2 * this.dirtyBytes() + Math.min(this.diskUse().stored, COMPACTED_MAX),
    );
  }

  /**
   * As the port says. Errors besides: `SLUICE_DIMENSIONS_MISMATCH` when the store has other
   * dimensions or another distance, `SLUICE_BAD_OPTION` when a new store is given no dimensions.
   */
  async open(options: {
    storeId: string;
    signal: AbortSignal;
    onProgress: (done: number, total: number) => void;
    check?: (applied: number) => void;
    onProblem?: ProblemListener;
  }): Promise<{ applied: number; notes: LogNotes }> {
    const { store, clock, cpus } = this.#options;
    const { storeId, signal, onProgress, check, onProblem = () => {} } = options;
    const stored = await store.open({ storeId });
    if (stored === undefined && !this.#mayCreate) {
      throw new SluiceError('SLUICE_DAMAGED', 'the manifest of the segments is missing');
    }
    const body = stored ?? emptyManifest(shapeOfNew(this.#options));
    checkManifest(body);
    checkShape(body, this.#options);
    const opening = this.#keeper?.openAll(body);
    const loading = loadSegments(body, { store, clock, signal, onProgress });
    // No index file is left being opened when this fails.
    const segments = await loading.finally(() => opening);
    if (opening) this.#keeper?.attach(await opening, body, segments, onProblem);
    const state = new PointState(body, segments, cpus);
    const { revision } = state;
    const configuration = mergeConfiguration(state.configuration, this.#wanted);
    if (JSON.stringify(configuration) !== JSON.stringify(state.configuration)) {
      state.configuration = configuration;
    }
    check?.(state.applied);
    await this.#keeper?.sweep();
    this.#committedRevision = stored === undefined ? undefined : revision;
    this.#capturing = undefined;
    this.#givenUp.length = 0;
    this.#shown ??= this.#state;
    this.#state = state;
    // A new store remembers its dimensions from the start.
    if (stored === undefined) await this.#create(signal);
    this.#mayCreate = false;
    this.#settleIndexes();
    return { applied: state.applied, notes: state.notes };
  }

  /** Copies vectors that were loaded to their places, in slices. Never rejects. */
  settle(): Promise<void> {
    const state = this.#state;
    const isDue = () => this.#state === state;
    return settleVectors(state?.list.all ?? [], this.#options.clock, isDue);
  }

  recovered(): void {
    this.#shown = undefined;
  }

  apply(opNum: number, operation: PointOperation): number {
    return this.#opened().apply(opNum, operation);
  }

  touched(): readonly number[] {
    return this.#opened().touched;
  }

  segments(): readonly PointSegmentInfo[] {
    return this.#opened().list.all.map(infoOf);
  }

  ensureCapacity(): void {
    this.#opened().ensureCapacity();
  }

  dirtyBytes(): number {
    return this.#opened().list.all.reduce((sum, segment) => sum + unsavedBytes(segment), 0);
  }

  diskUse(): DiskUse {
    const { list } = this.#opened();
    return diskUse(list.all, list.shape, this.#outputIndexing(), this.space.underway);
  }

  async reclaim(signal: AbortSignal): Promise<void> {
    await this.#options.store.reclaim?.(signal);
  }

  async garbageBytes(): Promise<number | undefined> {
    return this.#options.store.garbageBytes?.();
  }

  /** As the port says; without a number, as of the last operation that came here. */
  capture(applied: number = this.applied, notes?: LogNotes): PointCapture {
    assert(this.#capturing === undefined, 'one flush at a time');
    const state = this.#opened();
    state.advance(applied);
    state.notes = notes ?? state.notes;
    const { revision } = state;
    const capture = new PointCapture({
      store: this.#options.store,
      clock: this.#options.clock,
      changed: revision !== this.#committedRevision,
      manifest: state.manifest(),
      segments: state.list.all,
      onCommit: async (indexFiles) => {
        if (this.#state === state) this.#committedRevision = revision;
        await this.#keeper?.committed(indexFiles);
      },
      onRelease: () => {
        if (this.#capturing !== capture) return;
        this.#capturing = undefined;
        this.#giveUpBlocks(this.#givenUp.splice(0));
      },
    });
    this.#capturing = capture;
    return capture;
  }

  async close(): Promise<void> {
    this.#state = this.#shown = undefined;
    this.#committedRevision = undefined;
    try {
      await this.#keeper?.close();
    } finally {
      await this.#options.store.close();
    }
  }

  /**
   * Freezes the segments and returns the run that rewrites them into one, or gives the only one an
   * index where that is all; undefined when one of them is gone or frozen, or none is given.
   */
  beginRebuild(ids: readonly number[]): Optimization | undefined {
    const { list } = this.#opened();
    const found = [...new Set(ids)].map((id) => list.find(id));
    const sources = found.flatMap((source) => (source?.frozen === false ? source : []));
    if (sources.length === 0 || sources.length < found.length) return undefined;
    const giveUp = (segments: readonly Segment[]) => this.#giveUp(segments);
    const indexing = this.#outputIndexing();
    const { space, schema } = this;
    return beginRewrite({ ...this.#options, list, schema, indexing, giveUp, space }, sources);
  }

  /** The newest operation whose effects are here. */
  get applied(): number {
    return this.#opened().applied;
  }

  /** What readers see; `applied`, its newest operation, only while it is what was before. */
  get shown(): ShownInfo {
    const { list, schema } = this.#readable();
    const payloadIndexes = Object.fromEntries(schema);
    const segments = list.all.map(infoOf);
    return { points: this.pointCount, segments, payloadIndexes, applied: this.#shown?.applied };
  }

  get dimensions(): number {
    return this.#opened().list.shape.dimensions;
  }

  get distance(): Distance {
    return this.#opened().list.shape.distance;
  }

  /** The stored options: not a copy, and never changed. */
  get configuration(): Readonly<Configuration> {
    return this.#opened().configuration;
  }

  /** The optimizer options in force, complete. */
  get optimizerOptions(): OptimizerOptions {
    return this.#opened().optimizerOptions;
  }

  /** The options of vector indexes in force, complete. */
  get hnswOptions(): HnswOptions {
    return this.#opened().hnswOptions;
  }

  /** Payload indexes by path. */
  get schema(): ReadonlyMap<string, PayloadIndexType> {
    return this.#opened().schema;
  }

  /** The clocks of the writers, as of the newest operation. */
  get clocks(): ClockRecord[] {
    return this.#opened().clocks.toJSON();
  }

  /** The newest tick of a writer's clock; 0 when it isn't known. */
  currentTick({ peerId, clockId }: Pick<ClockTag, 'peerId' | 'clockId'>): number {
    return this.#opened().clocks.currentTick(peerId, clockId);
  }

  /** Changes the stored options; the next flush writes them. Throws `SLUICE_BAD_OPTION`. */
  configure(patch: { readonly [key: string]: JsonValue | undefined }): void {
    const state = this.#opened();
    state.configuration = mergeConfiguration(state.configuration, patch);
    this.#wanted = mergeConfiguration(this.#wanted, patch);
    this.#settleIndexes();
  }

  /** The points as of now, unchanged by what happens later. Release it in `finally`. */
  view(): View {
    return this.#views.take(this.#readable());
  }

  /** Everything as of now, to be written into another store. Hold a view as long. */
  snapshot(): PointSnapshot {
    const state = this.#opened();
    // Its log has none of the records.
    const notes = unknownNotes(state.applied, state.clocks.ticks());
    return new PointSnapshot({ ...state.manifest(), notes }, state.list.all);
  }

  /** Views that were taken and not released. */
  get openViews(): number {
    return this.#views.open;
  }

  /** Waits until no view is open, at most so long; false when one still is. */
  idle(limitMs: number): Promise<boolean> {
    return this.#views.idle(limitMs);
  }

  /** The points that exist, in the order asked. */
  get(ids: readonly PointId[], options: { withVector?: boolean | undefined } = {}): Point[] {
    const { list } = this.#readable();
    return ids.flatMap((id) => {
      const location = findPoint(list.all, id);
      return location === undefined ? [] : [toPoint(id, location, options.withVector ?? false)];
    });
  }

  /** The nearest points, the nearest first, equal scores by id. */
  search(query: Float32Array, options: SearchOptions & ReadOptions): Promise<ScoredPoint[]> {
    const { distance, hnswOptions } = this;
    const ef = options.ef ?? hnswOptions.ef;
    const settled = { ...hnswOptions, ...options, ef, distance };
    return this.#read(options, (view, pace) => search(view, query, settled, pace));
  }

  /** A page of points in the order of their ids. */
  scroll(options: ScrollOptions & ReadOptions = {}): Promise<ScrollPage> {
    return this.#read(options, (view, pace) => scroll(view, options, pace));
  }

  /** The number of points, or of those that pass the filter. */
  count(options: { filter?: Filter | undefined } & ReadOptions = {}): Promise<number> {
    return this.#read(options, (view, pace) => count(view, options.filter, pace));
  }

  /** The number of points, at once. */
  get pointCount(): number {
    return this.#readable().list.all.reduce((sum, segment) => sum + segment.live, 0);
  }

  async #read<Result>(
    options: ReadOptions,
    job: (view: View, pace: Pace) => Promise<Result>,
  ): Promise<Result> {
    return this.#views.read(this.#readable(), options, job);
  }

  #outputIndexing(): OutputIndexing | undefined {
    const { indexes, cpus } = this.#options;
    const keeper = this.#keeper;
    if (indexes === undefined || keeper === undefined) return undefined;
    const { m, efConstruct, maxIndexingThreads } = this.hnswOptions;
    return {
      thresholdBytes: indexingThresholdBytes(this.optimizerOptions),
      cpus: indexingThreads(maxIndexingThreads, cpus),
      graph: { m, efConstruct },
      build: (source, options) => indexes.build(source, options),
      discard: (index) => keeper.discard(index),
    };
  }

  /** A lost index is made up for when its segment is gone, or needs none any more. */
  #settleIndexes(): void {
    const { list, optimizerOptions } = this.#opened();
    const thresholdBytes = indexingThresholdBytes(optimizerOptions);
    this.#keeper?.settle((id) => (list.find(id)?.vectorBytes ?? -1) >= thresholdBytes);
  }

  #giveUp(segments: readonly Segment[]): void {
    for (const segment of segments) this.#keeper?.giveUp(segment);
    this.#giveUpBlocks(segments.flatMap((segment) => keysOf(segment.saved)));
    this.#settleIndexes();
  }

  /** Blocks that the next commit may delete; a flush under way may still name them in its own. */
  #giveUpBlocks(keys: readonly string[]): void {
    if (this.#capturing !== undefined) this.#givenUp.push(...keys);
    else this.#options.store.discard(keys);
  }

  #readable(): PointState {
    return this.#shown ?? this.#opened();
  }

  #opened(): PointState {
    if (this.#state !== undefined) return this.#state;
    throw new SluiceError('SLUICE_NOT_OPEN', 'the collection is not open');
  }

  async #create(signal: AbortSignal): Promise<void> {
    const capture = this.capture();
    try {
      await capture.writeBlocks(signal);
      await capture.commit();
    } catch (error) {
      this.#state = undefined;
      throw error;
    } finally {
      capture.release();
    }
  }
}

// A program of somebody who uses the package: it names every type that it is given or gives, and
// is checked with the strictest options. `consumer.test.ts` also runs it.
import { MemoryLevel } from 'memory-level';
import {
  type BlockRef,
  type BudgetStatus,
  type Change,
  type ChangesOptions,
  type Clock,
  type ClockTick,
  type Collection,
  type CollectionConfiguration,
  type CollectionInfo,
  type CollectionOptions,
  type CollectionScrollOptions,
  type CollectionSearchOptions,
  type ConfigurationPatch,
  type CoreSettings,
  createUpdateHandler,
  type Database,
  type DeathCounter,
  type ErrorCode,
  type FlushCapture,
  type LevelWalOptions,
  type LoggedError,
  type LogNotes,
  levelWal,
  type MemoryWalOptions,
  memoryWal,
  type Optimizations,
  type OptimizeOptions,
  type OptimizerCounts,
  type OptimizersStart,
  openCollection,
  type PayloadIndexType,
  type Permit,
  type Planned,
  type PointOperation,
  type PointSegmentInfo,
  type RecoveryPoint,
  ResourceBudget,
  type ScoredPoint,
  type ScrollPage,
  type SegmentHolder,
  type SegmentInfo,
  SegmentStore,
  type SegmentStoreOptions,
  SluiceError,
  type SnapshotOptions,
  type SnapshotProgress,
  type SnapshotResult,
  type Status,
  type SubmitResult,
  systemClock,
  type Telemetry,
  type TickChange,
  type Tracker,
  type Unoptimized,
  type UpdateHandler,
  type UpdateResult,
  type VectorIndexSupport,
  type Verification,
  type VerifyOptions,
  vectorIndexSupport,
  verifyStore,
  type WaitLevel,
  type WalDelta,
} from 'sluice';
import { createUpdateHandler as createFromCore } from 'sluice/core';

/** Everything that a collection tells of itself, under the names of its types. */
interface Report {
  info: CollectionInfo;
  configuration: CollectionConfiguration;
  status: Status;
  errors: LoggedError[];
  optimizations: Optimizations<PointSegmentInfo>;
  queued: Planned[];
  completed: Tracker[];
  telemetry: Telemetry<PointSegmentInfo>;
  io: BudgetStatus;
  merges: OptimizerCounts | undefined;
}

function report(collection: Collection): Report {
  const [info, status, telemetry] = [
    collection.info(),
    collection.status(),
    collection.telemetry(),
  ];
  const optimizations = collection.optimizations();
  return {
    info,
    configuration: info.configuration,
    status,
    errors: status.errors,
    optimizations,
    queued: optimizations.queued,
    completed: optimizations.completed,
    telemetry,
    io: telemetry.budgets.io,
    merges: telemetry.optimizations.byOptimizer.merge,
  };
}

/** Opens a collection on any two stores, uses most of it, and tells what it was told. */
export async function useCollection(wal: Database, segments: Database): Promise<Report> {
  const clock: Clock = systemClock;
  const budgets = { io: new ResourceBudget(1), cpu: new ResourceBudget(1) };
  const optimizersStart: OptimizersStart = 'onTrigger';
  const options: CollectionOptions = {
    ...{ dimensions: 2, distance: 'dot', clock, budgets },
    optimizersStart,
  };
  await using collection = await openCollection({ wal, segments }, options);
  const wait: WaitLevel = 'optimized';
  const written: UpdateResult = await collection.upsert(
    [
      { id: 1, vector: [1, 0], payload: { year: 1979 } },
      { id: 'two', vector: Float32Array.of(0, 1) },
    ],
    { wait },
  );
  const why: Unoptimized | undefined = written.reason;
  if (written.optimized !== true) throw new Error(`unexpected: ${written.status} ${why}`);
  const type: PayloadIndexType = 'integer';
  await collection.createPayloadIndex('year', type);
  const search: CollectionSearchOptions = { limit: 1 };
  const hits: ScoredPoint[] = await collection.search([1, 0], search);
  const scroll: CollectionScrollOptions = { limit: 1 };
  const page: ScrollPage = await collection.scroll(scroll);
  if (hits[0]?.id !== page.points[0]?.id) throw new Error('the nearest point is the first one');
  const patch: ConfigurationPatch = { optimizers: { deletedThreshold: 0.5 } };
  await collection.configure(patch);
  const seen: Optimizations<PointSegmentInfo>[] = [];
  const optimize: OptimizeOptions = { onProgress: (optimizations) => seen.push(optimizations) };
  const status: Status = await collection.optimize(optimize);
  if (status.color !== 'green' || seen.length === 0)
    throw new Error('there is nothing to optimize');
  const handler: UpdateHandler<PointOperation, PointSegmentInfo> = collection.handler;
  if (handler.state !== 'running') throw new Error(`unexpected: ${handler.state}`);
  return report(collection);
}

/** Brings another collection up to date, as far as the log goes; returns what was lacking. */
export async function follow(one: Collection, other: Collection): Promise<WalDelta> {
  const point: RecoveryPoint = other.recoveryPoint();
  const ticks: ClockTick[] = [...point];
  const delta: WalDelta = await one.walDelta(ticks);
  if (delta.status !== 'from') return delta;
  const options: ChangesOptions = { from: delta.opNum, follow: false };
  for await (const change of one.changes(options)) {
    const { operation, declined }: Change<PointOperation> = change;
    if (operation.kind !== 'delete' || declined) continue;
    const { clockTag } = operation;
    await other.delete(operation.selector, clockTag === undefined ? {} : { clockTag });
  }
  return delta;
}

/** The smallest engine there can be: a sum, in one segment that is never written anywhere. */
class Sum implements SegmentHolder<number> {
  total = 0;
  notes: LogNotes | undefined;

  async open(): Promise<{ applied: number; notes?: LogNotes }> {
    return this.notes === undefined ? { applied: 0 } : { applied: 0, notes: this.notes };
  }

  get changes(): readonly TickChange[] {
    return this.notes?.changes ?? [];
  }

  apply(_: number, operation: number): number {
    this.total += operation;
    return 1;
  }

  segments(): readonly SegmentInfo[] {
    return [{ id: 0, points: 1, appendable: true }];
  }

  ensureCapacity(): void {}

  dirtyBytes(): number {
    return 0;
  }

  capture(_: number, notes: LogNotes): FlushCapture {
    this.notes = notes;
    const nothing = async () => {};
    return { changed: false, writeBlocks: nothing, commit: nothing, release: () => {} };
  }

  async close(): Promise<void> {}
}

/** Runs the core on an engine of one's own; returns what the engine made of the operations. */
export async function useCore(): Promise<{ total: number; results: SubmitResult[] }> {
  const inMemory: MemoryWalOptions = {};
  const settings: CoreSettings = { flushIntervalMs: 1000, maxOptimizationThreads: null };
  const segments = new Sum();
  let deaths = 0;
  const deathCounter: DeathCounter = {
    read: async () => deaths,
    write: async (count) => {
      deaths = count;
    },
  };
  const wal = memoryWal(inMemory);
  const first = createUpdateHandler({ wal, segments, deathCounter, ...settings });
  await first.ready();
  const results = [await first.submit(1), await first.submit(2, { wait: true })];
  await first.stop();
  const onLevel: LevelWalOptions = { unsyncedBytesMax: 1024 };
  const db = new MemoryLevel<string, Uint8Array>({ valueEncoding: 'view' });
  const second = createFromCore({ wal: levelWal(db, onLevel), segments });
  await second.ready();
  results.push(await second.submit(4));
  await second.stop();
  const permit: Permit = await new ResourceBudget(1).acquire(1, new AbortController().signal);
  permit.release();
  return { total: segments.total, results };
}

/** Stores a block and names it in a commit; returns what another opening reads of it. */
export async function useSegmentStore(): Promise<number[]> {
  const db = new MemoryLevel<string, Uint8Array>({ valueEncoding: 'view' });
  const options: SegmentStoreOptions = { batchBytes: 1024 };
  const store = new SegmentStore<{ blocks: BlockRef[] }>(db, options);
  await store.open({ storeId: 'mine' });
  const blocks = await store.putBlocks([Uint8Array.of(1, 2)], new AbortController().signal);
  await store.commit(
    { blocks },
    blocks.map(({ key }) => key),
  );
  const [found] = (await store.open({ storeId: 'mine' }))?.blocks ?? [];
  const content = found === undefined ? [] : [...(await store.readBlock(found))];
  await store.close();
  return content;
}

/** The code of the error that checking a path ends with, if it can't be checked. */
export async function check(path: string): Promise<Verification | ErrorCode> {
  const options: VerifyOptions = { signal: AbortSignal.timeout(10_000) };
  try {
    return await verifyStore(path, options);
  } catch (error) {
    if (error instanceof SluiceError) return error.code;
    throw error;
  }
}

/** Why searches are exact on this platform; undefined where they needn't be. */
export async function whyExact(): Promise<string | undefined> {
  const support: VectorIndexSupport = await vectorIndexSupport();
  return support.available ? undefined : support.why;
}

/** Copies a collection, and tells how far that has come. */
export async function copy(collection: Collection, path: string): Promise<SnapshotResult> {
  const seen: SnapshotProgress[] = [];
  const options: SnapshotOptions = { onProgress: (progress) => seen.push(progress) };
  const result = await collection.snapshot(path, options);
  if (seen.at(-1)?.done !== seen.at(-1)?.total) throw new Error('not all of it was written');
  return result;
}

/** What the types must refuse; never called. */
export async function misuse(collection: Collection): Promise<void> {
  // @ts-expect-error A vector is no text.
  await collection.upsert([{ id: 1, vector: 'near' }]);
  // @ts-expect-error The option is misspelt.
  await collection.search([1, 0], { limit: 1, withVectors: true });
  // @ts-expect-error Statuses of updates are four, and this is none of them.
  if ((await collection.delete([1])).status === 'done') return;
  // @ts-expect-error There is no such segment field.
  collection.info().segments.map(({ size }) => size);
}

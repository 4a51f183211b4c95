import { type Inspection, openInspection } from './collection-inspection.js';
import type {
  CollectionOptions,
  CollectionStores,
  ConfigurationPatch,
} from './collection-options.js';
import { type OpenStores, openStores } from './collection-stores.js';
import type { CoreSettings } from './core-options.js';
import { DEFAULT_SETTINGS, type HandlerSettings } from './options.js';
import { type Clock, systemClock } from './services/clock.js';
import { type Directory, openDirectory } from './services/level/directory.js';
import { SegmentStore } from './services/level/segment-store.js';
import { LevelWal } from './services/level/wal.js';
import {
  indexingThresholdBytes,
  maxSegmentSizeBytes,
  segmentNumber,
} from './services/optimizer-options.js';
import { copyRows } from './services/optimizers/build-thread.js';
import { configMismatchOptimizer } from './services/optimizers/config-mismatch.js';
import { indexingOptimizer } from './services/optimizers/indexing.js';
import { mergeOptimizer } from './services/optimizers/merge.js';
import { processorCount } from './services/optimizers/processors.js';
import { vacuumOptimizer } from './services/optimizers/vacuum.js';
import { PointHolder } from './services/points/holder.js';
import type { ManifestBody } from './services/points/manifest.js';
import { PointOperationCodec } from './services/points/operation-codec.js';
import type { PointOperation } from './services/points/operations.js';
import type { CopyVectors } from './services/points/rebuild.js';
import type { PointSegmentInfo } from './services/points/segment-info.js';
import type { OperationCodec, SegmentOptimizer } from './services/ports.js';
import type { RandomFill } from './services/random-id.js';
import { FileVectorIndexes } from './services/vector-index/file-indexes.js';
import { vectorIndexSupport } from './services/vector-index/usearch-index.js';
import type { VectorIndexes } from './services/vector-index/vector-index.js';
import type { UpdateHandlerInspector } from './types.js';
import { createUpdateHandler, type UpdateHandler } from './update-handler.js';

/** The options without what is not for the stores. */
type StoredOptions = Omit<CollectionOptions, 'inspect'>;

/** What a collection is put together from. */
export interface CollectionParts {
  handler: UpdateHandler<PointOperation, PointSegmentInfo>;
  holder: PointHolder;
  codec: OperationCodec<PointOperation>;
  clock: Clock;
  path: string | undefined;
  /** Absent where the platform has no library for them. */
  indexes: VectorIndexes | undefined;
  /** Ended when the collection has been closed; absent when nobody inspects it. */
  inspection?: Inspection;
  /** The settings in force. */
  settings(): CoreSettings;
  /** Changes the stored configuration, in one step. */
  configure(patch: ConfigurationPatch): void;
}

/** What a collection is put together with, besides its options: what simulations replace. */
export interface CollectionEnvironment {
  /** Absent where the platform has no library for them. */
  indexes: VectorIndexes | undefined;
  /** Where the stores lie, if they lie in one. */
  directory?: Directory | undefined;
  /** Receives XState's events. @default nobody */
  inspect?: UpdateHandlerInspector | undefined;
  /** @default the platform's */
  random?: RandomFill | undefined;
  /** @default the machine's */
  cpus?: number | undefined;
  /** @default `copyRows`, which copies in a thread */
  copyVectors?: CopyVectors | undefined;
  /** Instead of the defaults, so that little data reaches them. */
  limits?: Partial<HandlerSettings> & {
    unsyncedBytesMax?: number | undefined;
    blockBatchBytes?: number | undefined;
  };
}

/** Opens what is at a path, or two stores, and puts a collection together from it. */
export async function openParts(
  target: string | CollectionStores,
  { inspect: inspector, ...options }: CollectionOptions,
): Promise<CollectionParts> {
  if (inspector === undefined || inspector === false) return openStored(target, options);
  const inspection = await openInspection(inspector);
  return closedOnError(inspection, async () => {
    const { inspect } = inspection;
    return { ...(await openStored(target, options, inspect)), inspection };
  });
}

async function openStored(
  target: string | CollectionStores,
  options: StoredOptions,
  inspect?: UpdateHandlerInspector,
): Promise<CollectionParts> {
  if (typeof target === 'string' && target !== '') {
    const directory = await openDirectory(target, {
      create: options.dimensions !== undefined,
      ...options.storage,
      signal: options.signal,
    });
    return closedOnError(directory, async () => {
      const indexes = await vectorIndexes(options, directory.vectorIndexPath);
      return collectionParts(directory, options, { indexes, directory, inspect });
    });
  }
  if (typeof target !== 'object' || target === null) {
    throw new TypeError('openCollection takes a path or { wal, segments }');
  }
  const stores = await openStores(target, options.dimensions !== undefined);
  return closedOnError(stores, async () => {
    return collectionParts(stores, options, { indexes: await vectorIndexes(options), inspect });
  });
}

/** Where the platform has no library for them, every search is exact. */
async function vectorIndexes(
  { logger }: StoredOptions,
  directory?: string,
): Promise<VectorIndexes | undefined> {
  const support = await vectorIndexSupport();
  if (support.available) return new FileVectorIndexes(given({ directory }));
  const log = logger?.child({ actor: 'updateHandler' });
  log?.warn({ why: support.why }, 'every search is exact: there are no vector indexes');
  return undefined;
}

async function closedOnError<T>(
  opened: { close(): Promise<void> },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** Puts the point engine on the core; opening begins at once. */
export function collectionParts(
  stores: OpenStores,
  options: StoredOptions,
  environment: CollectionEnvironment,
): CollectionParts {
  const { dimensions, distance, optimizers, hnsw, flushIntervalMs, clock = systemClock } = options;
  const { indexes, directory, random, inspect, cpus = processorCount() } = environment;
  const { unsyncedBytesMax, blockBatchBytes, ...limits } = environment.limits ?? {};
  const freeBytes = options.freeBytes ?? (directory && (() => directory.freeBytes()));
  const mayCreate = dimensions !== undefined && stores.creating;
  const store = new SegmentStore<ManifestBody>(
    stores.segments,
    given({ random, batchBytes: blockBatchBytes }),
  );
  const holder = new PointHolder({
    store,
    create: mayCreate,
    clock,
    dimensions,
    distance,
    configuration: {
      optimizers: optimizers && { ...optimizers },
      hnsw: hnsw && { ...hnsw },
      flushIntervalMs,
    },
    cpus,
    copyVectors: environment.copyVectors ?? copyRows,
    indexes,
    freeBytes,
  });
  let settings: CoreSettings = DEFAULT_SETTINGS;
  const readSettings = () => {
    const stored = holder.configuration.flushIntervalMs;
    settings = {
      flushIntervalMs: typeof stored === 'number' ? stored : DEFAULT_SETTINGS.flushIntervalMs,
      maxOptimizationThreads: holder.optimizerOptions.maxOptimizationThreads,
    };
  };
  let hold = options.keepWalFrom;
  const codec = lateCodec(() => holder.dimensions);
  const handler = createUpdateHandler<PointOperation, PointSegmentInfo>({
    wal: new LevelWal(stores.wal, {
      create: mayCreate,
      ...given({ random, unsyncedBytesMax, filesBytes: directory && (() => directory.walBytes()) }),
    }),
    segments: holder,
    optimizers: pointOptimizers(holder, cpus, indexes !== undefined),
    codec,
    clockTagOf: ({ clockTag }) => clockTag,
    kindOf: ({ kind }) => kind,
    clock,
    cpus,
    settings: () => settings,
    deathCounter: store.deathCounter,
    onOpened: async () => {
      readSettings();
      if (hold !== undefined) handler.keepWalFrom(hold);
      hold = undefined;
      await directory?.finishCreation();
    },
    onClosed: () => stores.close(),
    ...given({
      dirtyBytesMax: directory && Math.min(DEFAULT_SETTINGS.dirtyBytesMax, directory.marginBytes),
      ...limits,
      freeBytes,
      diskMarginBytes: directory?.marginBytes,
      updateQueueLengthMax: options.updateQueueLengthMax,
      walBytesMax: options.walBytesMax,
      cpuBudget: options.cpuBudget,
      optimizersStart: options.optimizersStart,
      logger: options.logger,
      inspect,
      budgets: options.budgets,
    }),
  });
  return {
    handler,
    holder,
    codec,
    clock,
    path: directory?.path,
    indexes,
    settings: () => settings,
    configure: (patch) => {
      holder.configure({
        ...patch,
        optimizers: patch.optimizers && { ...patch.optimizers },
        hnsw: patch.hnsw && { ...patch.hnsw },
      });
      readSettings();
    },
  };
}

/** In the order in which they may choose segments. */
export function pointOptimizers(
  holder: PointHolder,
  cpus: number,
  hasIndexes: boolean,
): SegmentOptimizer<PointSegmentInfo>[] {
  const begin = (ids: readonly number[]) => holder.beginRebuild(ids);
  const thresholds = () => ({
    segmentNumber: segmentNumber(holder.optimizerOptions, cpus),
    maxSegmentSizeBytes: maxSegmentSizeBytes(holder.optimizerOptions, cpus),
    indexingThresholdBytes: indexingThresholdBytes(holder.optimizerOptions),
  });
  const merge = mergeOptimizer<PointSegmentInfo>({ begin, thresholds });
  const vacuum = vacuumOptimizer<PointSegmentInfo>({
    begin,
    thresholds: () => holder.optimizerOptions,
  });
  if (!hasIndexes) return [merge, vacuum];
  return [
    merge,
    indexingOptimizer<PointSegmentInfo>({ begin, thresholds }),
    vacuum,
    configMismatchOptimizer<PointSegmentInfo>({ begin, wanted: () => holder.hnswOptions }),
  ];
}

/** The dimensions are known only when the collection has been opened. */
function lateCodec(dimensions: () => number): OperationCodec<PointOperation> {
  let codec: PointOperationCodec | undefined;
  const ready = () => {
    codec ??= new PointOperationCodec(dimensions());
    return codec;
  };
  return {
    encode: (operation) => ready().encode(operation),
    decode: (data) => ready().decode(data),
    frees: ({ kind }) => kind === 'delete',
  };
}

/** Leaves out what is undefined. */
function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

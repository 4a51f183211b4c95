import type { Logger } from 'pino';
import { ENVIRONMENT_CHECKS, type HandlerEnvironment, SETTING_CHECKS } from './options.js';
import { EF_MAX, resolveHnswOptions } from './services/hnsw-options.js';
import type { Database } from './services/level/database.js';
import { resolveOptimizerOptions } from './services/optimizer-options.js';
import type { OptimizersStart } from './services/optimizer-start.js';
import {
  badOption,
  booleanOption,
  checkOptions,
  functionOption,
  numberOption,
  type OptionCheck,
  type OptionChecks,
  oneOf,
  signalOption,
} from './services/option-checks.js';
import { checkFilter } from './services/points/check-filter.js';
import { checkId } from './services/points/check-id.js';
import type { PointSegmentInfo } from './services/points/segment-info.js';
import { UPDATE_OPTION_CHECKS } from './services/points/update-options.js';
import type {
  Distance,
  Filter,
  HnswOptions,
  Optimizations,
  OptimizerOptions,
  PointId,
  StatelyInspector,
  UpdateHandlerInspector,
  UpdateOptions,
} from './types.js';

/** Two `abstract-level` stores instead of a path; each for one collection alone. */
export interface CollectionStores {
  wal: Database;
  segments: Database;
}

/** Options of `openCollection`. */
export interface CollectionOptions extends Omit<HandlerEnvironment, 'inspect'> {
  /** Numbers in each vector. Creates the collection if there is none; must agree if there is one. */
  dimensions?: number | undefined;
  /** How vectors are compared; must agree with an existing collection. @default 'cosine' */
  distance?: Distance | undefined;
  /** Override the stored ones, and are stored. */
  optimizers?: Partial<OptimizerOptions> | undefined;
  /** Override the stored ones, and are stored. */
  hnsw?: Partial<HnswOptions> | undefined;
  /** Milliseconds between flushes; stored. @default 5000 */
  flushIntervalMs?: number | undefined;
  /**
   * `onTrigger`: the optimizers wait for `trigger` or `optimize` after this opening. They also do
   * when the process has died several times in a row while it was optimizing. @default 'automatic'
   */
  optimizersStart?: OptimizersStart | undefined;
  /** Operations that may be submitted and not yet applied. @default 10000 */
  updateQueueLengthMax?: number | undefined;
  /** Bytes that the log may hold before it declines with `SLUICE_WAL_FULL`. @default 1 GiB */
  walBytesMax?: number | undefined;
  /** Processors for optimizations: above 0 that many, below 0 all but that many. @default 0: a sensible part */
  cpuBudget?: number | undefined;
  /** Keeps the log from this op number on until `close`; see `keepWalFrom`. */
  keepWalFrom?: number | undefined;
  /** LevelDB's write buffers, when opened by path. @default 32 MiB and 8 MiB */
  storage?: { walWriteBufferBytes?: number; segmentsWriteBufferBytes?: number } | undefined;
  logger?: Logger | undefined;
  /**
   * `true`: connects to Stately Inspector, which needs the package `@statelyai/inspect` and its
   * server at `ws://localhost:8080`; an inspector of that package: shows the collection there. Both
   * get small copies of what happens. A function gets XState's own events. @default false
   */
  inspect?: boolean | StatelyInspector | UpdateHandlerInspector | undefined;
  /** Gives up opening. */
  signal?: AbortSignal | undefined;
}

const bytes = numberOption({ whole: true, min: 64 * 1024, max: 2 ** 30 });

const checkInspector: OptionCheck<CollectionOptions['inspect']> = (value, name) => {
  const isStately = (inspector: object): inspector is StatelyInspector =>
    typeof Reflect.get(Object(Reflect.get(inspector, 'inspect')), 'next') === 'function';
  if (typeof value === 'boolean') return value;
  if (typeof value === 'function') return value as UpdateHandlerInspector;
  if (typeof value === 'object' && value !== null && isStately(value)) return value;
  throw badOption(name, 'true, a function or an inspector of @statelyai/inspect', value);
};

/** Dimensions of a vector at most. */
export const DIMENSIONS_MAX = 65_536;

const checkOptimizers: OptionCheck<Partial<OptimizerOptions>> = (value) => {
  resolveOptimizerOptions(value);
  return value as Partial<OptimizerOptions>;
};

const checkHnsw: OptionCheck<Partial<HnswOptions>> = (value) => {
  resolveHnswOptions(value);
  return value as Partial<HnswOptions>;
};

const CHECKS: OptionChecks<CollectionOptions> = {
  dimensions: numberOption({ whole: true, min: 1, max: DIMENSIONS_MAX }),
  distance: oneOf<Distance>(['cosine', 'dot', 'euclid']),
  optimizers: checkOptimizers,
  hnsw: checkHnsw,
  flushIntervalMs: SETTING_CHECKS.flushIntervalMs,
  optimizersStart: SETTING_CHECKS.optimizersStart,
  updateQueueLengthMax: SETTING_CHECKS.updateQueueLengthMax,
  walBytesMax: SETTING_CHECKS.walBytesMax,
  cpuBudget: SETTING_CHECKS.cpuBudget,
  keepWalFrom: numberOption({ whole: true, min: 0 }),
  storage: (value, name) =>
    checkOptions<{ walWriteBufferBytes: number; segmentsWriteBufferBytes: number }>(
      value,
      { walWriteBufferBytes: bytes, segmentsWriteBufferBytes: bytes },
      name,
    ),
  ...ENVIRONMENT_CHECKS,
  inspect: checkInspector,
  signal: UPDATE_OPTION_CHECKS.signal,
};

/** Throws `SLUICE_BAD_OPTION`, or a `TypeError` when the options aren't an object. */
export function checkCollectionOptions(options: unknown): CollectionOptions {
  return checkOptions<CollectionOptions>(options, CHECKS);
}

/** The part of a collection's configuration that `configure` changes. */
export interface ConfigurationPatch {
  optimizers?: Partial<OptimizerOptions>;
  hnsw?: Partial<HnswOptions>;
  flushIntervalMs?: number;
}

/** Throws `SLUICE_BAD_OPTION`, or a `TypeError` when the patch isn't an object. */
export function checkConfigurationPatch(patch: unknown): ConfigurationPatch {
  if (patch === undefined) throw new TypeError('configure takes an object of options');
  return checkOptions<ConfigurationPatch>(patch, {
    optimizers: checkOptimizers,
    hnsw: checkHnsw,
    flushIntervalMs: SETTING_CHECKS.flushIntervalMs,
  });
}

/** Options of `optimize`. */
export interface OptimizeOptions {
  /** Ends the waiting, not the optimizations. */
  signal?: AbortSignal;
  /** Called whenever the optimizers have been asked, and a few times a second. */
  onProgress?: (optimizations: Optimizations<PointSegmentInfo>) => void;
}

export const OPTIMIZE_CHECKS: OptionChecks<OptimizeOptions> = {
  signal: signalOption,
  onProgress: functionOption<NonNullable<OptimizeOptions['onProgress']>>(),
};

/** Options of `setPayload`. */
export interface SetPayloadOptions extends UpdateOptions {
  /** Merge into the object at this path instead of the payload itself. */
  key?: string;
}

export const SET_PAYLOAD_CHECKS: OptionChecks<SetPayloadOptions> = {
  ...UPDATE_OPTION_CHECKS,
  // Its text is checked with the payload, because it is a path.
  key: (value) => value as string,
};

/** Options of `search`. */
export interface CollectionSearchOptions {
  /** Hits at most. */
  limit: number;
  filter?: Filter;
  /** Look at every point even where there is an index. @default false */
  exact?: boolean;
  /** Candidates looked at in each vector index: more find more of the nearest. @default `hnsw.ef` */
  ef?: number;
  /** Hits must score at least this; for `euclid`, at most. */
  scoreThreshold?: number;
  /** @default true */
  withPayload?: boolean;
  /** @default false */
  withVector?: boolean;
  signal?: AbortSignal;
}

/** Options of `scroll`. */
export interface CollectionScrollOptions {
  filter?: Filter;
  /** Points a page. @default 10 */
  limit?: number;
  /** The id to begin with: the last page's `nextOffset`. */
  offset?: PointId;
  /** @default false */
  withVector?: boolean;
  signal?: AbortSignal;
}

const limit = numberOption({ whole: true, min: 1, max: 1_000_000 });

export const SEARCH_CHECKS: OptionChecks<CollectionSearchOptions> = {
  limit,
  filter: (value) => checkFilter(value),
  exact: booleanOption,
  ef: numberOption({ whole: true, min: 1, max: EF_MAX }),
  scoreThreshold: numberOption({}),
  withPayload: booleanOption,
  withVector: booleanOption,
  signal: signalOption,
};

export const SCROLL_CHECKS: OptionChecks<CollectionScrollOptions> = {
  filter: (value) => checkFilter(value),
  limit,
  offset: (value) => checkId(value, 'offset'),
  withVector: booleanOption,
  signal: signalOption,
};

export const COUNT_CHECKS: OptionChecks<{ filter?: Filter; signal?: AbortSignal }> = {
  filter: (value) => checkFilter(value),
  signal: signalOption,
};

export const GET_CHECKS: OptionChecks<{ withVector?: boolean }> = { withVector: booleanOption };

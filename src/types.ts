import type { InspectionEvent } from 'xstate';
import type { OptimizerCounts } from './services/optimization-counts.js';
import type { Planned } from './services/planner.js';
import type { SegmentInfo } from './services/ports.js';
import type { BudgetStatus } from './services/resource-budget.js';
import type { Status } from './services/status.js';
import type { Tracker } from './services/tracker-log.js';

/** A point's id: a non-negative safe integer or a non-empty string; `1` and `'1'` are different. */
export type PointId = number | string;

/** Any value that JSON can carry. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | JsonValue[]
  | { [key: string]: JsonValue };

/** A point's payload: a JSON object. */
export type Payload = { [key: string]: JsonValue };

/** How two vectors are compared: `cosine` and `dot` higher is nearer, `euclid` lower is nearer. */
export type Distance = 'cosine' | 'dot' | 'euclid';

/** A vector: finite numbers, as many as the collection has dimensions; stored as float32. */
export type Vector = Float32Array | readonly number[];

/** A point as given to `upsert`. */
export interface PointInput {
  id: PointId;
  vector: Vector;
  payload?: Payload;
}

/** A point as returned by reads. `payload` is `{}` when it has none. */
export interface Point {
  id: PointId;
  payload: Payload;
  vector?: Float32Array;
}

/** A search hit. */
export interface ScoredPoint {
  id: PointId;
  score: number;
  payload?: Payload;
  vector?: Float32Array;
}

/** A comparison of one payload value. */
export type Match =
  | { value: string | number | boolean }
  | { any: readonly (string | number)[] }
  | { except: readonly (string | number)[] };

/** Bounds of a number; at least one. */
export interface Range {
  gt?: number;
  gte?: number;
  lt?: number;
  lte?: number;
}

/**
 * One condition. `key` is a path: `a.b` reads a nested field, `a[].b` the fields of an array's
 * elements. A value that is an array matches when one of its elements does.
 * `exists`: the field is there and not null; `isEmpty`: it is missing, null or `[]`; `isNull`: it is null.
 */
export type Condition =
  | { key: string; match: Match }
  | { key: string; range: Range }
  | { exists: { key: string } }
  | { isEmpty: { key: string } }
  | { isNull: { key: string } }
  | { hasId: readonly PointId[] }
  | Filter;

/** A point passes when all of `must`, none of `mustNot` and, if given, one of `should` hold. */
export interface Filter {
  must?: readonly Condition[];
  should?: readonly Condition[];
  mustNot?: readonly Condition[];
}

/** Which points an operation is for. */
export type PointSelector = readonly PointId[] | { filter: Filter };

/** Identifies the writer of an operation, for stores that follow each other. */
export interface ClockTag {
  peerId: number;
  clockId: number;
  tick: number;
  token?: number;
  force?: boolean;
}

/** The newest tick of one writer's clock; ticks begin with 1. */
export interface ClockTick {
  peerId: number;
  clockId: number;
  tick: number;
}

/** What a store holds of each writer: plain JSON, in the order of the ids. */
export type RecoveryPoint = readonly ClockTick[];

/**
 * What a store whose recovery point was given lacks of this one's log:
 *
 * - `equal`: nothing.
 * - `from`: all of it is in the records `opNum` and up; those among them that it has are rejected
 *   by their clock tags.
 * - `empty`: the recovery point names no clock, so nothing can be told.
 * - `unknownClocks`, `higherThanCurrent`: it has what this store doesn't have (yet): a clock, a tick.
 * - `cutOff`: the log has forgotten a record that it lacks.
 * - `untagged`: an operation without a clock tag came since, and nobody can tell whether it is there.
 * - `notFound`: a tick is known here, but no record of the log carries it.
 */
export type WalDelta =
  | { status: 'from'; opNum: number }
  | {
      status:
        | 'equal'
        | 'empty'
        | 'unknownClocks'
        | 'higherThanCurrent'
        | 'cutOff'
        | 'untagged'
        | 'notFound';
    };

/** One operation of the log. */
export interface Change<Op> {
  opNum: number;
  operation: Op;
  /** True when it was declined: it changed nothing. */
  declined: boolean;
}

/** Options of `changes`. */
export interface ChangesOptions {
  /** The op number to begin with. @default the oldest record that the log still has */
  from?: number;
  /** Wait for later operations instead of ending. @default false */
  follow?: boolean;
  /** Ends the reading with `SLUICE_ABORTED`. */
  signal?: AbortSignal;
}

/** When an update's promise resolves; see docs/guarantees.md. */
export type WaitLevel = boolean | 'optimized';

/**
 * Why the optimizers will not begin: they are `disabled` (`maxOptimizationThreads` is 0), or they
 * are `waitingForTrigger` (by the option `optimizersStart`, or after several deaths of the process).
 */
export type Unoptimized = 'disabled' | 'waitingForTrigger';

/** Options of every update. */
export interface UpdateOptions {
  /**
   * `true` (default): applied and safe from a power cut. `false`: in the log, safe from a killed
   * process. `'optimized'`: as `true`, and the optimizers are through with the segments that got
   * the points, or have said why they will not begin.
   */
  wait?: WaitLevel;
  /** Before the operation is handed to the log, an abort rejects; afterwards the status is `waitTimeout`. */
  signal?: AbortSignal;
  timeoutMs?: number;
  clockTag?: ClockTag;
}

/** What became of an update. */
export interface UpdateResult {
  /** The operation's number; absent for `clockRejected`. */
  opNum?: number;
  status: 'acknowledged' | 'completed' | 'waitTimeout' | 'clockRejected';
  /** Points touched; only with `completed`. */
  affected?: number;
  /**
   * Only with `completed` and `wait: 'optimized'`. True: each segment that got the points, or its
   * successor, is neither planned nor being optimized nor backing off. False: nothing will start that.
   */
  optimized?: boolean;
  /** Why nothing will, when `optimized` is false. */
  reason?: Unoptimized;
}

/** Thresholds of the optimizers; sizes in KB (1024 bytes) of live vector data. */
export interface OptimizerOptions {
  /** Share of deleted rows above which a segment is vacuumed. @default 0.2 */
  deletedThreshold: number;
  /** Rows a segment must have before it is vacuumed. @default 1000 */
  vacuumMinVectorNumber: number;
  /** Segments that merging aims at; 0: one a core, between 2 and 8. @default 0 */
  defaultSegmentNumber: number;
  /** Size no segment is merged beyond and no appendable one grows much beyond; null: 200,000 a core. @default null */
  maxSegmentSizeKb: number | null;
  /** Size from which a segment gets a vector index; null: 20,000; 0: never. @default null */
  indexingThresholdKb: number | null;
  /** Optimizations at once; null: as many as the budget allows, 60 at most; 0: disabled. @default null */
  maxOptimizationThreads: number | null;
}

/** The parameters a graph is built with; changing them leads to new indexes. */
export interface HnswGraphOptions {
  /** Links a node has on each layer but the lowest, which has twice as many. @default 16 */
  m: number;
  /** Candidates looked at when a node is linked. @default 100 */
  efConstruct: number;
}

/** The HNSW indexes of a collection. */
export interface HnswOptions extends HnswGraphOptions {
  /** Candidates a search looks at in each index, unless it says otherwise. @default 64 */
  ef: number;
  /**
   * A filtered search looks at every matching point instead of the index when these have less
   * vector data than this, in KB (1024 bytes). @default 10000
   */
  fullScanThresholdKb: number;
  /** Processors that one build may use; 0: as many as there are, 8 at most. @default 0 */
  maxIndexingThreads: number;
}

/** What the optimizers do, will do and have done. */
export interface Optimizations<Info extends SegmentInfo = SegmentInfo> {
  /** With their progress, the newest first. */
  running: Tracker[];
  /** What the optimizers want done besides, in their order; also what is backing off. */
  queued: Planned[];
  /** The last 16 that have ended, the newest first. */
  completed: Tracker[];
  /** Segments that no optimizer is at work on or wants. */
  idle: Info[];
}

/** Counters since the store was opened, what is used of its limits, and how it is; a plain object. */
export interface Telemetry<Info extends SegmentInfo = SegmentInfo> {
  /** See `UpdateHandler.state`. */
  state: string;
  status: Status;
  segments: readonly Info[];
  operations: { applied: number; declined: number; retries: number };
  /** How far the last opening has come: parts of the segments loaded, operations replayed. */
  recovery: { loaded: number; toLoad: number; replayed: number; toReplay: number };
  /**
   * Op numbers; `keepFrom` is the lowest that someone keeps, Infinity when nobody does; `synced`:
   * records up to here are known to survive a power cut. `readers` of `changes` are open.
   */
  log: {
    acked: number;
    applied: number;
    synced: number;
    last: number;
    keepFrom: number;
    readers: number;
  };
  queue: {
    /** Operations that have a place and are not applied, and their bytes. */
    entries: number;
    bytes: number;
    /** Bytes of the records that the log has not forgotten. */
    walBytes: number;
    /** Operations that wait for a place, held in memory meanwhile, and their bytes. */
    waiting: number;
    waitingBytes: number;
    /** Bytes of unapplied operations in memory. */
    windowBytes: number;
    windowBytesPeak: number;
  };
  /** `lastMs`: how long the last good round took; `committed`: the op number on disk. */
  flush: { rounds: number; commits: number; failures: number; lastMs: number; committed: number };
  optimizations: {
    running: number;
    /** What failed last and has not succeeded since; null when nothing has. */
    error: string | null;
    /** In the outputs of all that succeeded. */
    points: number;
    /** The optimizers have been asked: never before a trigger, when they wait for one. */
    triggered: boolean;
    /** Callers who wait with `wait: 'optimized'`. */
    awaited: number;
    byOptimizer: Record<string, OptimizerCounts>;
    /** Those that run, and the last 16 that have ended, the newest first. */
    log: Tracker[];
  };
  /** Permits for optimizations. */
  budgets: { io: BudgetStatus; cpu: BudgetStatus };
}

/** An inspector of `@statelyai/inspect`, such as `createWebSocketInspector` makes. */
export interface StatelyInspector {
  readonly inspect: { next?: (event: InspectionEvent) => void };
}

/** Receives XState's inspection events, as `createActor`'s option `inspect` does. */
export type UpdateHandlerInspector = (event: InspectionEvent) => void;

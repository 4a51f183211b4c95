export { Collection } from './collection.js';
export type { CollectionConfiguration, CollectionInfo } from './collection-info.js';
export type {
  CollectionOptions,
  CollectionScrollOptions,
  CollectionSearchOptions,
  CollectionStores,
  ConfigurationPatch,
  OptimizeOptions,
  SetPayloadOptions,
} from './collection-options.js';
export type { SnapshotOptions, SnapshotResult } from './collection-snapshot.js';
export type { CoreSettings } from './core.js';
export {
  ERROR_CODES,
  type ErrorCode,
  type ErrorKind,
  isCancelled,
  isSticky,
  isTransient,
  SluiceError,
  throwIfAborted,
} from './errors.js';
export { openCollection } from './open-collection.js';
export type { HandlerEnvironment, HandlerSettings } from './options.js';
export { type Clock, systemClock, type TimerHandle } from './services/clock.js';
export { plainCodec } from './services/codec.js';
export type { LoggedError } from './services/error-log.js';
export type {
  Batches,
  Database,
  DatabaseBatch,
  EntryEncoding,
  KeyEncoding,
  KeyRange,
} from './services/level/database.js';
export type { StoredEntry } from './services/level/stored-entries.js';
export { LevelWal, type LevelWalOptions, levelWal } from './services/level/wal.js';
export { MemoryWal, type MemoryWalOptions, memoryWal } from './services/memory-wal.js';
export type { OptimizerCounts } from './services/optimization-counts.js';
export type { OptimizersStart } from './services/optimizer-start.js';
export { type Planned, plan } from './services/planner.js';
export type {
  ClearPayloadOperation,
  CreatePayloadIndexOperation,
  DeleteOperation,
  DeletePayloadIndexOperation,
  DeletePayloadOperation,
  OverwritePayloadOperation,
  PayloadIndexType,
  PointOperation,
  SetPayloadOperation,
  UpdateVectorsOperation,
  UpsertOperation,
} from './services/points/operations.js';
export type { ScrollPage } from './services/points/scroll.js';
export type { PointSegmentInfo } from './services/points/segment-info.js';
export type { SnapshotProgress } from './services/points/snapshot.js';
export { type Verification, type VerifyOptions, verifyStore } from './services/points/verify.js';
export type * from './services/ports.js';
export type { RandomFill } from './services/random-id.js';
export {
  type BudgetStatus,
  budgetSize,
  type Permit,
  ResourceBudget,
} from './services/resource-budget.js';
export type { Status, StatusColor, StatusReason } from './services/status.js';
export type { SubmitOptions, SubmitResult } from './services/ticket.js';
export type { Tracker, TrackerStatus } from './services/tracker-log.js';
export {
  type VectorIndexSupport,
  vectorIndexSupport,
} from './services/vector-index/usearch-index.js';
export type * from './types.js';
export { createUpdateHandler, UpdateHandler } from './update-handler.js';
export type { UpdateHandlerOptions } from './update-handler-options.js';

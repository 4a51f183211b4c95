// The core alone: everything for a store of one's own, and nothing of the collection of points.
export type { CoreSettings } from './core-options.js';
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
export type { HandlerEnvironment, HandlerSettings } from './options.js';
export { type Clock, systemClock, type TimerHandle } from './services/clock.js';
export { plainCodec } from './services/codec.js';
export type { LoggedError } from './services/error-log.js';
export type { BlockRef } from './services/level/block-session.js';
export type {
  Batches,
  Database,
  DatabaseBatch,
  EntryEncoding,
  KeyEncoding,
  KeyRange,
} from './services/level/database.js';
export { SegmentStore, type SegmentStoreOptions } from './services/level/segment-store.js';
export type { StoredEntry } from './services/level/stored-entries.js';
export { LevelWal, type LevelWalOptions, levelWal } from './services/level/wal.js';
export { MemoryWal, type MemoryWalOptions, memoryWal } from './services/memory-wal.js';
export type { StoreObserver } from './services/observers.js';
export type { OptimizerCounts } from './services/optimization-counts.js';
export type { RunEnd } from './services/optimization-run.js';
export type { OptimizersStart } from './services/optimizer-start.js';
export { type Planned, plan } from './services/planner.js';
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
export type { OptimizationPhase, Tracker, TrackerStatus } from './services/tracker-log.js';
export type * from './types.js';
export { createUpdateHandler, UpdateHandler } from './update-handler.js';
export type { UpdateHandlerOptions } from './update-handler-options.js';

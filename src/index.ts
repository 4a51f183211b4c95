export { Collection, openCollection } from './collection.js';
export type {
  CollectionOptions,
  CollectionScrollOptions,
  CollectionSearchOptions,
  CollectionStores,
  ConfigurationPatch,
  SetPayloadOptions,
} from './collection-options.js';
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
export { type Clock, systemClock } from './services/clock.js';
export { plainCodec } from './services/codec.js';
export type { LoggedError } from './services/error-log.js';
export { LevelWal, levelWal } from './services/level/wal.js';
export { MemoryWal, memoryWal } from './services/memory-wal.js';
export { type Planned, plan } from './services/planner.js';
export { type Verification, verifyStore } from './services/points/verify.js';
export type * from './services/ports.js';
export { budgetSize, ResourceBudget } from './services/resource-budget.js';
export type { Status, StatusColor, StatusReason } from './services/status.js';
export type { SubmitOptions, SubmitResult } from './services/ticket.js';
export type { Tracker, TrackerStatus } from './services/tracker-log.js';
export type * from './types.js';
export { createUpdateHandler, UpdateHandler, type UpdateHandlerOptions } from './update-handler.js';

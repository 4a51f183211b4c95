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
export * from './index-core.js';
export { openCollection } from './open-collection.js';
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
export {
  type VectorIndexSupport,
  vectorIndexSupport,
} from './services/vector-index/usearch-index.js';

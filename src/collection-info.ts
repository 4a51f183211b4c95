import type { PayloadIndexType } from './services/points/operations.js';
import type { PointSegmentInfo } from './services/points/segment-info.js';
import type { Distance, HnswOptions, JsonValue, OptimizerOptions } from './types.js';

/**
 * What a collection is and holds, taken at once; a plain object. Points, segments and payload
 * indexes are those that reads show.
 */
export interface CollectionInfo {
  /** The directory, without symbolic links; absent on two stores. */
  path?: string;
  dimensions: number;
  distance: Distance;
  points: number;
  segments: readonly PointSegmentInfo[];
  /** Op numbers: the log has forgotten up to `acked`, reads show the operations up to `applied`. */
  wal: { acked: number; applied: number; last: number };
  /** By path. */
  payloadIndexes: { [path: string]: PayloadIndexType };
  /** The options in force, complete. */
  configuration: CollectionConfiguration;
}

/** The options that are stored with a collection. */
export interface CollectionConfiguration {
  optimizers: OptimizerOptions;
  hnsw: HnswOptions;
  /** Milliseconds. */
  flushIntervalMs: number;
  [option: string]: JsonValue | OptimizerOptions | HnswOptions;
}

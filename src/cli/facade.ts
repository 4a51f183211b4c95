import type { Logger } from 'pino';
import type { InspectedStore } from '../inspect/target.js';
import type { Planned } from '../services/planner.js';
import type { Verification } from '../services/points/verify.js';
import type { Status } from '../services/status.js';
import type { Tracker } from '../services/tracker-log.js';
import type {
  Distance,
  Filter,
  Point,
  PointId,
  PointInput,
  ScoredPoint,
  UpdateHandlerInspector,
  UpdateResult,
  Vector,
} from '../types.js';

/** A segment as the screen of `sluice info` shows it. */
export interface SegmentRow {
  id: number;
  points: number;
  rows: number;
  deleted: number;
  vectorBytes: number;
  indexed: boolean;
  appendable: boolean;
}

/** What the commands use of a collection. */
export interface CollectionHandle {
  upsert(points: readonly PointInput[], options: { wait: boolean }): Promise<UpdateResult>;
  get(ids: readonly PointId[], options?: { withVector?: boolean }): Promise<Point[]>;
  search(
    vector: Vector,
    options: { limit: number; filter?: Filter; exact?: boolean; ef?: number },
  ): Promise<ScoredPoint[]>;
  optimize(options: { signal: AbortSignal }): Promise<unknown>;
  snapshot(
    path: string,
    options: {
      signal: AbortSignal;
      onProgress: (progress: { done: number; total: number }) => void;
    },
  ): Promise<{ path: string; opNum: number; points: number }>;
  optimizations(): { running: readonly Tracker[]; queued: readonly Planned[] };
  status(): Status;
  info(): {
    dimensions: number;
    distance: Distance;
    points: number;
    segments: readonly SegmentRow[];
    wal: { acked: number; applied: number; last: number };
    payloadIndexes: { readonly [path: string]: string };
    configuration: object;
  };
  /** The actors beneath, and what steers them. */
  readonly handler: InspectedStore;
  close(): Promise<void>;
}

/** Opens a collection; without `dimensions` only one that exists (`SLUICE_NOT_FOUND` otherwise). */
export type OpenCollection = (
  path: string,
  options: {
    dimensions?: number;
    distance?: Distance;
    signal?: AbortSignal;
    inspect?: UpdateHandlerInspector;
    logger?: Logger;
  },
) => Promise<CollectionHandle>;

/** Checks a store that nobody has open, without changing it. */
export type VerifyStore = (path: string, options: { signal: AbortSignal }) => Promise<Verification>;

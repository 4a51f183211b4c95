import type { Planned } from '../services/planner.js';
import type { Tracker } from '../services/tracker-log.js';
import type {
  Distance,
  Filter,
  Point,
  PointId,
  PointInput,
  ScoredPoint,
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
    options: { limit: number; filter?: Filter; exact?: boolean },
  ): Promise<ScoredPoint[]>;
  optimize(options: { signal: AbortSignal }): Promise<unknown>;
  optimizations(): { running: readonly Tracker[]; queued: readonly Planned[] };
  status(): { color: string; reasons: readonly unknown[]; errors: readonly unknown[] };
  info(): {
    dimensions: number;
    distance: Distance;
    points: number;
    segments: readonly SegmentRow[];
    wal: object;
    configuration: object;
  };
  close(): Promise<void>;
}

/** Opens a collection; without `dimensions` only one that exists (`SLUICE_NOT_FOUND` otherwise). */
export type OpenCollection = (
  path: string,
  options: { dimensions?: number; distance?: Distance; signal?: AbortSignal },
) => Promise<CollectionHandle>;

/** What checking a store found. */
export interface Verification {
  ok: boolean;
  /** How many of each kind of thing were checked. */
  checked: Readonly<Record<string, number>>;
  problems: readonly { what: string; message: string }[];
}

/** Checks a store that nobody has open, without changing it. */
export type VerifyStore = (path: string, options: { signal: AbortSignal }) => Promise<Verification>;

import type { HnswGraphOptions } from '../../types.js';
import type { SegmentInfo } from '../ports.js';
import type { PayloadIndexType } from './operations.js';
import type { Segment } from './segment.js';

/** What the optimizers of a point collection look at. */
export interface PointSegmentInfo extends SegmentInfo {
  /** Rows, deleted ones included. */
  rows: number;
  deleted: number;
  /** Bytes of the live vectors. */
  vectorBytes: number;
  /** True when it has a vector index. */
  indexed: boolean;
  /** What that index was built with; null without one. */
  hnsw: HnswGraphOptions | null;
  /** True while an optimization reads it. */
  frozen: boolean;
}

/** What readers are shown, all of one state. */
export interface ShownInfo {
  points: number;
  segments: readonly PointSegmentInfo[];
  /** By path. */
  payloadIndexes: { [path: string]: PayloadIndexType };
  applied: number | undefined;
}

/** What the optimizers see of a segment. */
export function infoOf(segment: Segment): PointSegmentInfo {
  const { id, live, rows, vectorBytes, index, appendable, frozen } = segment;
  return {
    id,
    points: live,
    rows,
    deleted: rows - live,
    vectorBytes,
    indexed: index !== undefined,
    hnsw: index === undefined ? null : graphOf(index.record),
    appendable,
    frozen,
  };
}

function graphOf({ m, efConstruct }: HnswGraphOptions): HnswGraphOptions {
  return { m, efConstruct };
}

import type { SegmentInfo } from '../ports.js';
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
  /** True while an optimization reads it. */
  frozen: boolean;
}

/** What they see of a segment. */
export function infoOf(segment: Segment): PointSegmentInfo {
  const { id, live, rows, vectorBytes, appendable, frozen } = segment;
  const deleted = rows - live;
  return { id, points: live, rows, deleted, vectorBytes, indexed: false, appendable, frozen };
}

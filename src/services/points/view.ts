import type { PointId } from '../../types.js';
import type { Pace } from './pace.js';
import type { Segment } from './segment.js';

/** A segment as a view sees it: its first `rows` rows, as of the view's version. */
export interface ViewSegment {
  segment: Segment;
  rows: number;
}

/**
 * The points as of one op number, taken in one step and unchanged by what happens later: readers
 * that let the event loop take turns still see a single state. Release it in `finally`.
 */
export class View {
  /** The effects of operations 1…version, and of no other, are visible. */
  readonly version: number;
  readonly segments: readonly ViewSegment[];
  #onRelease: (() => void) | undefined;

  constructor(version: number, segments: readonly Segment[], onRelease: () => void) {
    this.version = version;
    this.segments = segments.map((segment) => ({ segment, rows: segment.rows }));
    this.#onRelease = onRelease;
  }

  /** Ends the view; safe to call twice. */
  release(): void {
    this.#onRelease?.();
    this.#onRelease = undefined;
  }

  /** Calls `visit` for each visible row, in slices. */
  async scan(
    pace: Pace,
    visit: (segment: Segment, row: number, id: PointId) => void,
  ): Promise<void> {
    for (const part of this.segments) await this.scanSegment(part, pace, visit);
  }

  /** As `scan`, for one segment of the view. */
  async scanSegment(
    { segment, rows }: ViewSegment,
    pace: Pace,
    visit: (segment: Segment, row: number, id: PointId) => void,
  ): Promise<void> {
    for (let row = 0; row < rows; row += 1) {
      const id = segment.ids[row];
      if (id !== undefined && segment.isVisible(row, this.version)) visit(segment, row, id);
      if (pace.isDue()) await pace.rest();
    }
  }
}

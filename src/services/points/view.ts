import type { PointId } from '../../types.js';
import type { Pace } from './pace.js';
import type { IndexSchema } from './payload-index/segment-indexes.js';
import type { RowFilter } from './row-filter.js';
import type { Segment } from './segment.js';

/** A segment as a view sees it: its first `rows` rows, as of the view's version. */
export interface ViewSegment {
  segment: Segment;
  rows: number;
  /** Rows stamped later than the first so many are visible to the view, if they are of its rows. */
  stamps: number;
}

/**
 * The points as of one op number, taken in one step and unchanged by what happens later: readers
 * that let the event loop take turns still see a single state. Release it in `finally`.
 */
export class View {
  /** The effects of operations 1…version, and of no other, are visible. */
  readonly version: number;
  readonly segments: readonly ViewSegment[];
  /** The payload indexes that there are now, not as of the version: what is read is the same. */
  readonly schema: IndexSchema;
  #onRelease: (() => void) | undefined;

  constructor(
    version: number,
    segments: readonly Segment[],
    schema: IndexSchema,
    onRelease: () => void,
  ) {
    this.version = version;
    this.segments = segments.map((segment) => {
      return { segment, rows: segment.rows, stamps: segment.stamps.length };
    });
    this.schema = schema;
    this.#onRelease = onRelease;
  }

  /** Ends the view; safe to call twice. */
  release(): void {
    this.#onRelease?.();
    this.#onRelease = undefined;
  }

  /**
   * Calls `visit` for each visible row, in slices. With a filter, rows that can't pass it may be
   * left out; whether the others pass is for `visit` to ask.
   */
  async scan(
    pace: Pace,
    visit: (segment: Segment, row: number, id: PointId) => void,
    filter?: RowFilter,
  ): Promise<void> {
    for (const part of this.segments) await this.scanSegment(part, pace, visit, filter);
  }

  /** As `scan`, for one segment of the view. */
  async scanSegment(
    { segment, rows, stamps }: ViewSegment,
    pace: Pace,
    visit: (segment: Segment, row: number, id: PointId) => void,
    filter?: RowFilter,
  ): Promise<void> {
    await filter?.prepare(segment, rows, pace);
    const candidates = filter?.candidates(segment, rows, stamps);
    const count = candidates?.length ?? rows;
    for (let at = 0; at < count; at += 1) {
      const row = candidates?.[at] ?? at;
      const id = segment.ids[row];
      if (id !== undefined && segment.isVisible(row, this.version)) visit(segment, row, id);
      if (pace.isDue()) await pace.rest();
    }
  }
}

import type { Filter } from '../../types.js';
import { compileFilter, type PointTest } from './filter.js';
import type { Segment } from './segment.js';

/** A filter made ready for the rows of segments. Errors: as `compileFilter`. */
export class RowFilter {
  readonly #passes: PointTest;

  constructor(filter: Filter) {
    this.#passes = compileFilter(filter);
  }

  /** The filter made ready; nothing when there is none. */
  static of(filter: Filter | undefined): RowFilter | undefined {
    return filter === undefined ? undefined : new RowFilter(filter);
  }

  /** True when the row's point passes. */
  passes(segment: Segment, row: number): boolean {
    const id = segment.ids[row];
    return id !== undefined && this.#passes(id, segment.payloads[row] ?? {});
  }
}

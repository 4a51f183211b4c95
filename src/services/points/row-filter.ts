import type { Filter } from '../../types.js';
import { compileFilter, type PointTest } from './filter.js';
import type { Pace } from './pace.js';
import { candidateRows, estimateRows, narrowingKeys } from './payload-index/narrowing.js';
import type { IndexSchema } from './payload-index/segment-indexes.js';
import type { Segment } from './segment.js';

/** A filter made ready for the rows of segments. Errors: as `compileFilter`. */
export class RowFilter {
  readonly #filter: Filter;
  readonly #passes: PointTest;
  readonly #schema: IndexSchema;
  /** The indexed paths may change, so these are all that could matter. */
  readonly #keys: ReadonlySet<string>;

  /** `schema` is the store's own, so that an index dropped meanwhile is not used any more. */
  constructor(filter: Filter, schema: IndexSchema) {
    this.#filter = filter;
    this.#passes = compileFilter(filter);
    this.#schema = schema;
    this.#keys = narrowingKeys(filter);
  }

  /** The filter made ready; nothing when there is none. */
  static of(filter: Filter | undefined, schema: IndexSchema): RowFilter | undefined {
    return filter === undefined ? undefined : new RowFilter(filter, schema);
  }

  /** True when the row's point passes. */
  passes(segment: Segment, row: number): boolean {
    const id = segment.ids[row];
    return id !== undefined && this.#passes(id, segment.payloads.at(row));
  }

  /** Brings the indexes that this filter can use up to the first `rows` rows, in slices. */
  async prepare({ payloadIndexes }: Segment, rows: number, pace: Pace): Promise<void> {
    for (const key of this.#keys) await payloadIndexes.extend(key, this.#schema, rows, pace);
  }

  /** As `prepare`, at once, for at most `rowsMax` rows an index. */
  prepareNow({ payloadIndexes }: Segment, rowsMax: number): void {
    for (const key of this.#keys) payloadIndexes.extendNow(key, this.#schema, rowsMax);
  }

  /**
   * The rows that may pass, ascending; undefined when there is nothing, or too little, to narrow
   * them by. Who uses it still asks `passes`. Without `prepare`, rows that an index lacks are among
   * them. `stamps` are those that the segment had when the reader's view was taken: rows stamped
   * later may be visible to it. Without that number, ids narrow nothing.
   */
  candidates(segment: Segment, rows: number, stamps?: number): Uint32Array | undefined {
    return candidateRows(this.#filter, { segment, rows, stamps }, this.#schema);
  }

  /** How many rows may pass, at most; undefined when nothing narrows them. Cheaper than a list. */
  estimate(segment: Segment, rows: number, stamps?: number): number | undefined {
    return estimateRows(this.#filter, { segment, rows, stamps }, this.#schema);
  }
}

import type { PayloadIndexType } from '../operations.js';
import type { Pace } from '../pace.js';
import type { PayloadColumn } from '../payload-column.js';
import { FieldIndex } from './field-index.js';

/** The payload indexes of a store by path. */
export type IndexSchema = ReadonlyMap<string, PayloadIndexType>;

/**
 * The payload indexes of one segment. They are brought up to date by those who read, and by an
 * optimization before its swap, so that the first to read its output don't wait: a segment that is
 * new or loaded needs nothing done to it, and a write costs nothing. One that lags behind is no
 * error: what it lacks are candidates.
 */
export class SegmentIndexes {
  readonly #payloads: PayloadColumn;
  readonly #fields = new Map<string, FieldIndex>();

  /** `payloads` are those of the segment's rows, which only grow but for `truncate`. */
  constructor(payloads: PayloadColumn) {
    this.#payloads = payloads;
  }

  /** The index of a path; an empty one when there is none of this type. */
  of(key: string, type: PayloadIndexType): FieldIndex {
    const known = this.#fields.get(key);
    if (known?.type === type) return known;
    const index = new FieldIndex(key, type);
    this.#fields.set(key, index);
    return index;
  }

  /** How many there are. */
  get size(): number {
    return this.#fields.size;
  }

  /** Brings the index of a path up to `rows` rows, in slices; several readers may do so at once. */
  async extend(key: string, schema: IndexSchema, rows: number, pace: Pace): Promise<void> {
    // Asked anew after each turn: the index may have been dropped, or made anew.
    for (let type = schema.get(key); type !== undefined; type = schema.get(key)) {
      const index = this.of(key, type);
      while (index.rows < rows && !pace.isDue()) this.#addNext(index);
      if (index.rows >= rows) return;
      await pace.rest();
    }
  }

  /** As `extend`, for every path that has one. */
  async extendAll(schema: IndexSchema, rows: number, pace: Pace): Promise<void> {
    for (const key of [...schema.keys()]) await this.extend(key, schema, rows, pace);
  }

  /** Adds at most `rowsMax` rows to the index of a path, at once. */
  extendNow(key: string, schema: IndexSchema, rowsMax: number): void {
    const type = schema.get(key);
    if (type === undefined) return;
    const index = this.of(key, type);
    const rows = Math.min(this.#payloads.length, index.rows + rowsMax);
    while (index.rows < rows) this.#addNext(index);
  }

  /** Forgets what the schema doesn't have. */
  retain(schema: IndexSchema): void {
    for (const [key, { type }] of this.#fields) {
      if (schema.get(key) !== type) this.#fields.delete(key);
    }
  }

  /** Forgets the indexes that know rows from `rows` on, which are taken back; they are made anew. */
  truncate(rows: number): void {
    for (const [key, index] of this.#fields) {
      if (index.rows > rows) this.#fields.delete(key);
    }
  }

  #addNext(index: FieldIndex): void {
    index.add(this.#payloads.peek(index.rows));
  }
}

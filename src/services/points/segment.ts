import { assert } from '../../errors.js';
import type { PointId } from '../../types.js';
import type { VectorIndex } from '../vector-index/vector-index.js';
import { LiveRows } from './live-rows.js';
import { EMPTY_SAVED, type SavedSegment } from './manifest.js';
import { PayloadColumn } from './payload-column.js';
import { SegmentIndexes } from './payload-index/segment-indexes.js';
import type { PackedTexts, PayloadText } from './payload-text.js';
import { type VectorShape, VectorSlab } from './slab.js';

/** `deletedAt` of a row that is live. */
export const LIVE = Number.POSITIVE_INFINITY;

/** The newest version of a point, without its vector. */
export interface Row {
  id: PointId;
  /** It is copied. */
  payload: PayloadText;
  /** The operation that made it. */
  insertedAt: number;
}

/** The state of a segment before an operation touched it. */
export interface SegmentMark {
  rows: number;
  stamps: number;
  opNumMax: number;
}

/**
 * Rows that are versions: one is never changed in place. An update adds a row, stamped
 * `insertedAt`, and stamps the old one `deletedAt`; both are op numbers, and `deletedAt` is
 * Infinity while the row is live. So a segment is two logs that only grow: its rows, and the
 * stamps in the order in which they were given. Whoever remembers the lengths of both can read on
 * at leisure, while writes go on: views, flushes and rebuilds do.
 */
export class Segment {
  /** Never reused within a store. */
  readonly id: number;
  readonly slab: VectorSlab;
  readonly ids: PointId[];
  readonly payloads: PayloadColumn;
  readonly insertedAt: number[];
  readonly deletedAt: number[];
  /** Rows in the order in which they were stamped. */
  readonly stamps: number[];
  readonly payloadIndexes: SegmentIndexes;
  /** True while an optimization reads it: it takes stamps, but no rows. */
  frozen = false;
  /** The newest operation that touched it. */
  opNumMax: number;
  #index: VectorIndex | undefined;
  readonly #liveRows: LiveRows;
  /** One for all that have the same rows. */
  readonly #disk: { saved: SavedSegment };

  /**
   * An empty one, or one with the rows of a predecessor and its place on disk, as they are and as they
   * will be: nobody may write to that any more.
   */
  constructor(id: number, shape: VectorShape, predecessor?: Segment) {
    this.id = id;
    this.slab = predecessor?.slab ?? new VectorSlab(shape);
    this.ids = predecessor?.ids ?? [];
    this.payloads = predecessor?.payloads ?? new PayloadColumn();
    this.insertedAt = predecessor?.insertedAt ?? [];
    this.deletedAt = predecessor?.deletedAt ?? [];
    this.stamps = predecessor?.stamps ?? [];
    this.payloadIndexes = predecessor?.payloadIndexes ?? new SegmentIndexes(this.payloads);
    this.opNumMax = predecessor?.opNumMax ?? 0;
    this.#liveRows = predecessor ? predecessor.#liveRows : new LiveRows(this.ids);
    this.#disk = predecessor ? predecessor.#disk : { saved: EMPTY_SAVED };
  }

  /** What of it the last commit put on disk. */
  get saved(): SavedSegment {
    return this.#disk.saved;
  }

  set saved(saved: SavedSegment) {
    this.#disk.saved = saved;
  }

  get rows(): number {
    return this.ids.length;
  }

  /** Rows that are not deleted. */
  get live(): number {
    return this.#liveRows.size;
  }

  /** Bytes of the live vectors. */
  get vectorBytes(): number {
    return this.live * this.slab.dimensions * Float32Array.BYTES_PER_ELEMENT;
  }

  /** True when it may take rows; an index covers all rows of its segment, so none can follow. */
  get appendable(): boolean {
    return !this.frozen && this.#index === undefined;
  }

  /** The vector index over its rows, if it has one. */
  get index(): VectorIndex | undefined {
    return this.#index;
  }

  /** Takes an index that was built over all of its rows: from now on it takes no more of them. */
  attach(index: VectorIndex): void {
    assert(index.record.rows === this.rows, 'an index covers all rows of its segment');
    this.#index = index;
  }

  /** The live row of a point. */
  rowOf(id: PointId): number | undefined {
    return this.#liveRows.get(id);
  }

  /** The rows that are not deleted; their order says nothing. */
  liveRows(): IterableIterator<number> {
    return this.#liveRows.values();
  }

  /** True when a view of version `version` sees the row. */
  isVisible(row: number, version: number): boolean {
    return (this.insertedAt[row] ?? LIVE) <= version && version < (this.deletedAt[row] ?? 0);
  }

  /** Adds a row. Throws as `VectorSlab.append`. */
  append({ id, payload, insertedAt }: Row, vector: Float32Array): void {
    this.appendColumns(vector, { bytes: payload, lengths: [payload.length] });
    this.appendVersion(id, insertedAt);
  }

  /**
   * Adds the vectors and payloads of rows, which are copied; `appendVersion` follows for each of them.
   * Throws as `VectorSlab.append`; some of them may then be there, which `restore` takes back.
   */
  appendColumns(vectors: Float32Array, payloads: PackedTexts): void {
    assert(this.appendable, 'the segment takes rows');
    const { dimensions } = this.slab;
    const isTable = vectors.length === payloads.lengths.length * dimensions;
    assert(isTable, 'each row has a vector and a payload');
    this.slab.append(vectors);
    this.payloads.takeIn(payloads);
  }

  /** Adds the next row of those: the live one of its point. Throws as `LiveRows.set`. */
  appendVersion(id: PointId, insertedAt: number): void {
    assert(this.rowOf(id) === undefined, 'a point has one live row');
    // First what may fail: an operation is undone by its ids.
    this.#liveRows.set(id, this.rows);
    this.#pushVersion(id, insertedAt, LIVE);
  }

  /** Adds a row whose vector a thread has written into the slab. Throws as `append`. */
  adopt({ id, payload, insertedAt }: Row): void {
    this.slab.adopt();
    this.payloads.push(payload);
    this.appendVersion(id, insertedAt);
  }

  /**
   * Takes in the vectors and payloads of rows that were read from disk; `loadRow` follows for each
   * of them. Throws as `VectorSlab.append`.
   */
  loadColumns({ vectors, payloads }: { vectors: Uint8Array; payloads: PackedTexts }): void {
    this.slab.takeIn(vectors);
    this.payloads.takeIn(payloads);
  }

  /** Takes in the next row of those; false when its point has a live row already. */
  loadRow(id: PointId, insertedAt: number, deletedAt: number): boolean {
    const { live, rows } = this;
    if (deletedAt === LIVE) this.#liveRows.set(id, rows);
    this.#pushVersion(id, insertedAt, deletedAt);
    return deletedAt !== LIVE || this.live > live;
  }

  /** Takes in the order of the stamps when a segment is loaded; its rows carry them already. */
  loadStamps(rows: Iterable<number>): void {
    for (const row of rows) {
      assert(this.deletedAt[row] !== LIVE, 'a stamped row carries its stamp');
      this.stamps.push(row);
    }
  }

  /** Marks a live row as deleted by an operation. */
  stamp(row: number, deletedAt: number): void {
    const id = this.ids[row];
    assert(id !== undefined && this.deletedAt[row] === LIVE, 'a stamped row is live');
    this.deletedAt[row] = deletedAt;
    this.stamps.push(row);
    this.#liveRows.delete(id);
    this.opNumMax = Math.max(this.opNumMax, deletedAt);
  }

  mark(): SegmentMark {
    return { rows: this.rows, stamps: this.stamps.length, opNumMax: this.opNumMax };
  }

  /** Undoes everything since the mark. Never throws. */
  restore(mark: SegmentMark): void {
    for (let row = mark.rows; row < this.rows; row += 1) {
      const id = this.ids[row];
      if (id !== undefined && this.#liveRows.get(id) === row) this.#liveRows.delete(id);
    }
    this.slab.truncate(mark.rows);
    this.ids.length = mark.rows;
    this.payloads.truncate(mark.rows);
    this.insertedAt.length = mark.rows;
    this.deletedAt.length = mark.rows;
    this.payloadIndexes.truncate(mark.rows);
    for (const row of this.stamps.splice(mark.stamps)) {
      const id = this.ids[row];
      if (id === undefined) continue;
      this.deletedAt[row] = LIVE;
      this.#liveRows.set(id, row);
    }
    this.opNumMax = mark.opNumMax;
  }

  #pushVersion(id: PointId, insertedAt: number, deletedAt: number): void {
    this.ids.push(id);
    this.insertedAt.push(insertedAt);
    this.deletedAt.push(deletedAt);
    this.opNumMax = Math.max(this.opNumMax, deletedAt === LIVE ? insertedAt : deletedAt);
  }
}

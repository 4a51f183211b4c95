import { assert } from '../../errors.js';
import type { PointId } from '../../types.js';
import type { PayloadIndexType } from './operations.js';
import type { IndexSchema } from './payload-index/segment-indexes.js';
import type { PackedTexts, PayloadText } from './payload-text.js';
import type { Segment, SegmentMark } from './segment.js';

/** Where the live row of a point is. */
export interface Location {
  segment: Segment;
  row: number;
}

/** Payload indexes by path. */
export type Schema = Map<string, PayloadIndexType>;

/**
 * The changes of one operation to the segments and the schema. A segment is marked before its
 * first change; `undo` takes each back to its mark, so that an operation that throws half-way
 * leaves nothing. It lives within one synchronous step: nobody sees the state in between.
 */
export class Transaction {
  readonly opNum: number;
  readonly #segments: readonly Segment[];
  readonly #schema: Schema;
  readonly #chooseTarget: () => Segment;
  readonly #marks = new Map<Segment, SegmentMark>();
  #target: Segment | undefined;
  #schemaBefore: Schema | undefined;

  /** `chooseTarget` names the appendable segment that gets all rows of this operation. */
  constructor(
    opNum: number,
    segments: readonly Segment[],
    schema: Schema,
    chooseTarget: () => Segment,
  ) {
    this.opNum = opNum;
    this.#segments = segments;
    this.#schema = schema;
    this.#chooseTarget = chooseTarget;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** The payload indexes, with the changes of this operation. */
  get schema(): IndexSchema {
    return this.#schema;
  }

  /** True when this operation has changed them. */
  get changesSchema(): boolean {
    return this.#schemaBefore !== undefined;
  }

  /** The segment that got rows, if one did. */
  get target(): Segment | undefined {
    return this.#target;
  }

  find(id: PointId): Location | undefined {
    return findPoint(this.#segments, id);
  }

  /** Adds the new version of a point; the old one must have been stamped. */
  append(id: PointId, payload: PayloadText, vector: Float32Array): void {
    this.#beginTarget().append({ id, payload, insertedAt: this.opNum }, vector);
  }

  /**
   * Adds the new versions of points, one at least, and ends the old ones; of an id that comes again
   * the last one stays. Returns how many points that are.
   */
  replaceAll(ids: readonly PointId[], payloads: PackedTexts, vectors: Float32Array): number {
    assert(ids.length === payloads.lengths.length, 'each point has a payload');
    const target = this.#beginTarget();
    target.appendColumns(vectors, payloads);
    let points = 0;
    for (const id of ids) {
      const old = this.find(id);
      if (old?.segment.insertedAt[old.row] !== this.opNum) points += 1;
      if (old !== undefined) this.stamp(old);
      target.appendVersion(id, this.opNum);
    }
    return points;
  }

  /** Ends the present version of a point. */
  stamp({ segment, row }: Location): void {
    this.#touch(segment);
    segment.stamp(row, this.opNum);
  }

  /** Adds, changes or (without a type) drops a payload index. */
  setIndex(key: string, type: PayloadIndexType | undefined): void {
    this.#schemaBefore ??= new Map(this.#schema);
    if (type === undefined) this.#schema.delete(key);
    else this.#schema.set(key, type);
  }

  /** Takes everything back. Never throws. */
  undo(): void {
    for (const [segment, mark] of this.#marks) segment.restore(mark);
    this.#marks.clear();
    if (this.#schemaBefore === undefined) return;
    this.#schema.clear();
    for (const [key, type] of this.#schemaBefore) this.#schema.set(key, type);
  }

  #beginTarget(): Segment {
    this.#target ??= this.#chooseTarget();
    this.#touch(this.#target);
    return this.#target;
  }

  #touch(segment: Segment): void {
    if (!this.#marks.has(segment)) this.#marks.set(segment, segment.mark());
  }
}

/** The live row of a point, in whichever segment it is. */
export function findPoint(segments: readonly Segment[], id: PointId): Location | undefined {
  for (const segment of segments) {
    const row = segment.rowOf(id);
    if (row !== undefined) return { segment, row };
  }
  return undefined;
}

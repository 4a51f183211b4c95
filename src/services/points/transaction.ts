import type { Payload, PointId } from '../../types.js';
import { LIVE, type Segment, type SegmentMark } from './segment.js';

/** Where the live row of a point is. */
export interface Location {
  segment: Segment;
  row: number;
}

/**
 * The changes of one operation to the segments. A segment is marked before its first change;
 * `undo` takes each back to its mark, so that an operation that throws half-way leaves nothing.
 * It lives within one synchronous step: nobody sees the state in between.
 */
export class Transaction {
  readonly opNum: number;
  readonly #segments: readonly Segment[];
  readonly #chooseTarget: () => Segment;
  readonly #marks = new Map<Segment, SegmentMark>();
  #target: Segment | undefined;

  /** `chooseTarget` names the appendable segment that gets all rows of this operation. */
  constructor(opNum: number, segments: readonly Segment[], chooseTarget: () => Segment) {
    this.opNum = opNum;
    this.#segments = segments;
    this.#chooseTarget = chooseTarget;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  find(id: PointId): Location | undefined {
    return findPoint(this.#segments, id);
  }

  /** Adds the new version of a point; the old one must have been stamped. */
  append(id: PointId, payload: Payload, vector: Float32Array): void {
    this.#target ??= this.#chooseTarget();
    this.#touch(this.#target);
    const row = { id, payload, insertedAt: this.opNum, deletedAt: LIVE };
    this.#target.append(row, vector);
  }

  /** Ends the present version of a point. */
  stamp({ segment, row }: Location): void {
    this.#touch(segment);
    segment.stamp(row, this.opNum);
  }

  /** Takes everything back. Never throws. */
  undo(): void {
    for (const [segment, mark] of this.#marks) segment.restore(mark);
    this.#marks.clear();
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

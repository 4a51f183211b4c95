import { assert } from '../../errors.js';
import { Segment } from './segment.js';
import type { VectorShape } from './slab.js';

/** The segments of a store in a stable order; there is always one that takes rows. */
export class SegmentList {
  readonly shape: VectorShape;
  #segments: readonly Segment[];
  #nextId: number;
  #revision = 0;

  constructor(shape: VectorShape, segments: readonly Segment[], nextId: number) {
    this.shape = shape;
    this.#segments = segments;
    this.#nextId = nextId;
    if (this.smallestAppendable() === undefined) this.create();
  }

  /** A list that never changes; a change makes another one. */
  get all(): readonly Segment[] {
    return this.#segments;
  }

  /** Ids are never reused, not even after a segment that was never added. */
  get nextId(): number {
    return this.#nextId;
  }

  /** Grows with each change of the list. */
  get revision(): number {
    return this.#revision;
  }

  find(id: number): Segment | undefined {
    return this.#segments.find((segment) => segment.id === id);
  }

  /** The appendable segment with the fewest bytes of live vectors; the first of equals. */
  smallestAppendable(): Segment | undefined {
    let smallest: Segment | undefined;
    for (const segment of this.#segments) {
      if (!segment.appendable) continue;
      if (smallest === undefined || segment.vectorBytes < smallest.vectorBytes) smallest = segment;
    }
    return smallest;
  }

  /** A segment with an id of its own that isn't in the list; see `Segment` for a predecessor. */
  prepare(predecessor?: Segment): Segment {
    const segment = new Segment(this.#nextId, this.shape, predecessor);
    this.#nextId += 1;
    return segment;
  }

  /** Adds an empty segment. */
  create(): Segment {
    const segment = this.prepare();
    this.#set([...this.#segments, segment]);
    return segment;
  }

  /** Keeps the list able to take rows after a freeze; returns the segment that this took. */
  ensureAppendable(): Segment | undefined {
    return this.smallestAppendable() === undefined ? this.create() : undefined;
  }

  /**
   * Puts `output` in the place of `sources`, in one step. Without an output they just go; the
   * caller has made sure that rows can still be taken.
   */
  replace(sources: readonly Segment[], output: Segment | undefined): void {
    const gone = new Set(sources);
    const place = this.#segments.findIndex((segment) => gone.has(segment));
    const rest = this.#segments.filter((segment) => !gone.has(segment));
    assert(rest.length === this.#segments.length - gone.size, 'the sources are in the list');
    if (output !== undefined) rest.splice(place, 0, output);
    assert(
      rest.some((segment) => segment.appendable),
      'a segment takes rows',
    );
    this.#set(rest);
  }

  /** Drops a segment that a freeze created, if nobody came to need it. */
  dropSpare(spare: Segment): void {
    if (spare.rows > 0 || !spare.appendable || !this.#segments.includes(spare)) return;
    if (this.hasOtherAppendable(spare)) {
      this.#set(this.#segments.filter((segment) => segment !== spare));
    }
  }

  /** True when rows can be taken without this segment. */
  hasOtherAppendable(segment: Segment | undefined): boolean {
    return this.#segments.some((other) => other !== segment && other.appendable);
  }

  #set(segments: readonly Segment[]): void {
    this.#segments = segments;
    this.#revision += 1;
  }
}

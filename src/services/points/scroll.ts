import type { Filter, Point, PointId } from '../../types.js';
import { compareIds } from './ids.js';
import type { Pace } from './pace.js';
import { RowFilter } from './row-filter.js';
import type { Segment } from './segment.js';
import type { Location } from './transaction.js';
import type { View } from './view.js';

/** Which points a page of a scroll has. */
export interface ScrollOptions {
  filter?: Filter | undefined;
  /** Points a page. @default 10 */
  limit?: number | undefined;
  /** The id to begin with: the last page's `nextOffset`. */
  offset?: PointId | undefined;
  /** @default false */
  withVector?: boolean | undefined;
}

/** A page of points in the order of their ids. */
export interface ScrollPage {
  points: Point[];
  /** Where the next page begins; absent on the last one. */
  nextOffset?: PointId;
}

const LIMIT_DEFAULT = 10;

/** A page of the view's points by id. Looks at every point that may pass the filter, in slices. */
export async function scroll(view: View, options: ScrollOptions, pace: Pace): Promise<ScrollPage> {
  const { filter, limit = LIMIT_DEFAULT, offset, withVector = false } = options;
  const rowFilter = RowFilter.of(filter, view.schema);
  const page = new SmallestIds(limit + 1);
  const visit = (segment: Segment, row: number, id: PointId) => {
    if (offset !== undefined && compareIds(id, offset) < 0) return;
    if (!page.wants(id)) return;
    if (rowFilter !== undefined && !rowFilter.passes(segment, row)) return;
    page.add(id, { segment, row });
  };
  await view.scan(pace, visit, rowFilter);
  const found = page.sorted();
  const points: Point[] = [];
  for (const { id, location } of found.slice(0, limit)) {
    points.push(toPoint(id, location, withVector));
    if (pace.isDue()) await pace.rest();
  }
  const next = found[limit];
  return next === undefined ? { points } : { points, nextOffset: next.id };
}

/** The number of the view's points, or of those that pass the filter. */
export async function count(view: View, filter: Filter | undefined, pace: Pace): Promise<number> {
  const rowFilter = RowFilter.of(filter, view.schema);
  let found = 0;
  const visit = (segment: Segment, row: number) => {
    if (rowFilter === undefined || rowFilter.passes(segment, row)) found += 1;
  };
  await view.scan(pace, visit, rowFilter);
  return found;
}

/** A point as it is handed out: it shares no memory with the store. */
export function toPoint(id: PointId, location: Location, withVector: boolean): Point {
  const { segment, row } = location;
  const point: Point = { id, payload: segment.payloads.read(row) };
  if (withVector) point.vector = segment.slab.at(row).slice();
  return point;
}

interface Entry {
  id: PointId;
  location: Location;
}

/**
 * Keeps the k smallest of many ids: it collects a few times k, sorts, cuts back to k, and from then
 * on refuses what is larger than the last kept.
 */
class SmallestIds {
  readonly #k: number;
  readonly #sizeMax: number;
  #entries: Entry[] = [];
  #last: PointId | undefined;

  constructor(k: number) {
    this.#k = k;
    this.#sizeMax = 2 * k + 64;
  }

  wants(id: PointId): boolean {
    return this.#last === undefined || compareIds(id, this.#last) < 0;
  }

  add(id: PointId, location: Location): void {
    this.#entries.push({ id, location });
    if (this.#entries.length >= this.#sizeMax) this.#cut();
  }

  sorted(): readonly Entry[] {
    this.#cut();
    return this.#entries;
  }

  #cut(): void {
    this.#entries.sort((a, b) => compareIds(a.id, b.id));
    if (this.#entries.length < this.#k) return;
    this.#entries.length = this.#k;
    this.#last = this.#entries.at(-1)?.id;
  }
}

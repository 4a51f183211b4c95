import type { ClockTag, ClockTick } from '../types.js';
import { ClockTicks } from './clock-ticks.js';
import type { TickChange } from './ports.js';

/** Changes and ticks kept at most, about; with more of them neighbours are joined. */
const WEIGHT_MAX = 1024;

/**
 * Which ticks the records of the log carry, from the oldest record to the newest: what is lost when
 * the log forgets some of them. Only records that change something are noted: those with a tick
 * above all before it, and the first one without a tag behind one that has a tag, and the reverse.
 * A log without tags costs one note.
 */
export class TickHistory {
  /** Ticks of forgotten records. */
  readonly #forgotten: ClockTicks;
  #untagged: boolean;
  #changes: TickChange[];
  readonly #newest: ClockTicks;
  #weightMax = WEIGHT_MAX;
  #weight = 0;

  constructor(forgotten: Iterable<ClockTick>, untagged: boolean, changes: readonly TickChange[]) {
    this.#forgotten = new ClockTicks(forgotten);
    this.#untagged = untagged;
    this.#changes = [...changes];
    this.#newest = this.newest(Number.POSITIVE_INFINITY);
    this.#weight = weightOf(changes);
  }

  /** The highest ticks among the records that are forgotten. */
  get forgotten(): ClockTicks {
    return this.#forgotten;
  }

  /** Whether the newest forgotten record carries no tag. */
  get untagged(): boolean {
    return this.#untagged;
  }

  /** What changed at records that aren't forgotten, in their order. */
  get changes(): readonly TickChange[] {
    return this.#changes;
  }

  /** The highest ticks among all records up to this one. */
  newest(upTo: number): ClockTicks {
    const ticks = new ClockTicks(this.#forgotten);
    for (const change of this.#changes) {
      if (change.last > upTo) break;
      for (const tick of change.ticks) ticks.raise(tick);
    }
    return ticks;
  }

  /** Notes a record. Numbers only grow. */
  add(opNum: number, tag: ClockTag | undefined): void {
    const wasUntagged = this.#changes.at(-1)?.untagged ?? this.#untagged;
    if (tag === undefined) {
      if (!wasUntagged) this.#note({ first: opNum, last: opNum, ticks: [], untagged: true });
      return;
    }
    const { peerId, clockId, tick } = tag;
    const isHigher = this.#newest.raise({ peerId, clockId, tick });
    if (!isHigher && !wasUntagged) return;
    const ticks = isHigher ? [{ peerId, clockId, tick }] : [];
    this.#note({ first: opNum, last: opNum, ticks, untagged: false });
  }

  /** The highest number up to `upTo` that can be forgotten without losing sight of what is lost. */
  forgettable(upTo: number): number {
    const inside = this.#changes.find(({ first, last }) => first <= upTo && upTo < last);
    return inside === undefined ? upTo : inside.first - 1;
  }

  /** The log forgets records up to this one. */
  forget(upTo: number): void {
    let count = 0;
    for (const { first, ticks, untagged } of this.#changes) {
      if (first > upTo) break;
      for (const tick of ticks) this.#forgotten.raise(tick);
      this.#untagged = untagged;
      count += 1;
    }
    this.#weight -= weightOf(this.#changes.slice(0, count));
    this.#changes.splice(0, count);
  }

  #note(change: TickChange): void {
    this.#changes.push(change);
    this.#weight += weightOf([change]);
    if (this.#weight > this.#weightMax) this.#coarsen();
  }

  /** Joins neighbours, evenly over the log, until half of the room is free again. */
  #coarsen(): void {
    const first = this.#changes[0]?.first ?? 0;
    const last = this.#changes.at(-1)?.last ?? 0;
    let span = Math.ceil((4 * (last - first + 1)) / WEIGHT_MAX);
    while (this.#weight > WEIGHT_MAX / 2 && this.#changes.length > 1) {
      this.#changes = joined(this.#changes, span);
      this.#weight = weightOf(this.#changes);
      span *= 2;
    }
    // With more clocks than that the next attempt comes when there is something to join again.
    this.#weightMax = Math.max(WEIGHT_MAX, 2 * this.#weight);
  }
}

function weightOf(changes: readonly TickChange[]): number {
  return changes.reduce((sum, { ticks }) => sum + 1 + ticks.length, 0);
}

/** The changes, joined where they lie within so many op numbers. */
function joined(changes: readonly TickChange[], span: number): TickChange[] {
  const results: TickChange[] = [];
  for (const change of changes) {
    const before = results.at(-1);
    if (before === undefined || change.last - before.first >= span) results.push(change);
    else results[results.length - 1] = join(before, change);
  }
  return results;
}

function join(one: TickChange, next: TickChange): TickChange {
  return {
    first: one.first,
    last: next.last,
    ticks: new ClockTicks([...one.ticks, ...next.ticks]).toJSON(),
    untagged: next.untagged,
    mixed: [one, next].some(({ untagged, mixed }) => untagged || mixed === true),
  };
}

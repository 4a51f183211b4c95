import { assert, SluiceError } from '../../errors.js';
import type { PointId } from '../../types.js';
import { randomId } from '../random-id.js';

/** Slots of the first table; a power of two. */
const SLOTS_MIN = 16;
/** Slots of a table that is given up, emptied with each row that is set: all are before the next table is full. */
const SLOTS_A_STEP = 16;
const FREE = -1;
/** Of a slot of a table that is given up: its row is elsewhere, but those pushed past it are still behind it. */
const LEFT = -2;

/** Another one in each process, so that nobody can choose ids that crowd; the order of rows tells nothing. */
const SEED = Number.parseInt(randomId(4), 16);

/**
 * A number of 53 bits spread over 32, each of which depends on all of its bits.
 *
 * @see https://nullprogram.com/blog/2018/07/31/ the constants of `lowbias32`
 */
function hashOf(id: number): number {
  // `Math.imul` and `^` take the low 32 bits.
  let hash = id ^ SEED ^ Math.imul(id / 2 ** 32, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return hash ^ (hash >>> 16);
}

/**
 * Where the live row of each id is. Numbers lie in a hash table of rows alone, whose ids are looked
 * up in their column: a third of the memory of a `Map`, and filled several times as fast when a segment
 * is loaded. Strings lie in a `Map`.
 *
 * Open addressing with linear probing; Knuth, The Art of Computer Programming 3, 6.4, algorithms L
 * and R. A full table is moved to one of twice its size step by step, a few slots with each row that is set:
 * at once, a million rows would hold the event loop for a tenth of a second. Where no more are set,
 * both stay.
 */
export class LiveRows {
  /** The column of ids: one that is here stays there. */
  readonly #ids: readonly PointId[];
  #slots = new Int32Array();
  /** The table before this one, as long as rows lie there; no id is in both. */
  #before: { slots: Int32Array; emptied: number } | undefined;
  #numbers = 0;
  readonly #strings = new Map<PointId, number>();

  constructor(ids: readonly PointId[]) {
    this.#ids = ids;
  }

  get size(): number {
    return this.#numbers + this.#strings.size;
  }

  get(id: PointId): number | undefined {
    if (typeof id === 'string') return this.#strings.get(id);
    if (this.#numbers === 0) return undefined;
    const row = this.#slots[this.#slotOf(id, this.#slots)] as number;
    if (row !== FREE) return row;
    const slot = this.#slotBefore(id);
    return slot === undefined ? undefined : this.#before?.slots[slot];
  }

  /**
   * Sets the row of an id; the column must have the id there before anything else is asked. Throws a
   * transient `SLUICE_NOT_ENOUGH_SPACE` when the machine has no memory for another number, and changes
   * nothing.
   */
  set(id: PointId, row: number): void {
    if (typeof id === 'string') {
      this.#strings.set(id, row);
      return;
    }
    // Two thirds full at most.
    if (3 * (this.#numbers + 1) > 2 * this.#slots.length) this.#grow();
    this.#empty();
    const slot = this.#slotOf(id, this.#slots);
    if (this.#slots[slot] === FREE && !this.#leave(id)) this.#numbers += 1;
    this.#slots[slot] = row;
  }

  delete(id: PointId): void {
    if (typeof id === 'string') {
      this.#strings.delete(id);
      return;
    }
    if (this.#numbers === 0) return;
    if (this.#take(id) || this.#leave(id)) this.#numbers -= 1;
  }

  /** The rows, in any order. */
  *values(): Generator<number> {
    for (const row of this.#slots) if (row !== FREE) yield row;
    for (const row of this.#before?.slots ?? []) if (row >= 0) yield row;
    yield* this.#strings.values();
  }

  /** Takes an id out of the table; false when it isn't there. */
  #take(id: number): boolean {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.#slotOf(id, slots);
    if (slots[hole] === FREE) return false;
    for (let slot = (hole + 1) & mask; slots[slot] !== FREE; slot = (slot + 1) & mask) {
      const row = slots[slot] as number;
      const home = hashOf(this.#ids[row] as number) & mask;
      // One that was pushed past the hole moves into it: it would not be found behind it.
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      slots[hole] = row;
      hole = slot;
    }
    slots[hole] = FREE;
    return true;
  }

  /** Takes an id out of the table before this one; false when it isn't there. */
  #leave(id: number): boolean {
    const slot = this.#slotBefore(id);
    if (slot === undefined || this.#before === undefined) return false;
    this.#before.slots[slot] = LEFT;
    return true;
  }

  #slotBefore(id: number): number | undefined {
    if (this.#before === undefined) return undefined;
    const { slots } = this.#before;
    const slot = this.#slotOf(id, slots);
    return slots[slot] === FREE ? undefined : slot;
  }

  /** The slot with the id's row, or the free one where it belongs. */
  #slotOf(id: number, slots: Int32Array): number {
    const mask = slots.length - 1;
    let slot = hashOf(id) & mask;
    for (;;) {
      const row = slots[slot] as number;
      if (row === FREE || (row !== LEFT && this.#ids[row] === id)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    assert(this.#before === undefined, 'a table is empty before the next one is full');
    const next = allocate(Math.max(SLOTS_MIN, 2 * this.#slots.length));
    if (this.#numbers > 0) this.#before = { slots: this.#slots, emptied: 0 };
    this.#slots = next;
  }

  /** Moves the rows of a few slots of the table before this one. */
  #empty(): void {
    if (this.#before === undefined) return;
    const { slots, emptied } = this.#before;
    const end = Math.min(slots.length, emptied + SLOTS_A_STEP);
    for (let slot = emptied; slot < end; slot += 1) {
      const row = slots[slot] as number;
      if (row < 0) continue;
      slots[slot] = LEFT;
      this.#slots[this.#slotOf(this.#ids[row] as number, this.#slots)] = row;
    }
    this.#before = end < slots.length ? { slots, emptied: end } : undefined;
  }
}

function allocate(length: number): Int32Array<ArrayBuffer> {
  try {
    return new Int32Array(length).fill(FREE);
  } catch (error) {
    throw new SluiceError('SLUICE_NOT_ENOUGH_SPACE', 'no memory left for ids', { cause: error });
  }
}

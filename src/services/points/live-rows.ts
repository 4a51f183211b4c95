import { SluiceError } from '../../errors.js';
import type { PointId } from '../../types.js';
import { randomId } from '../random-id.js';

/** Slots of the first table; a power of two. */
const SLOTS_MIN = 16;
const FREE = -1;

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
 * and R.
 */
export class LiveRows {
  /** The column of ids: one that is here stays there. */
  readonly #ids: readonly PointId[];
  #slots = new Int32Array();
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
    const row = this.#slots[this.#slotOf(id)] as number;
    return row === FREE ? undefined : row;
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
    const slot = this.#slotOf(id);
    if (this.#slots[slot] === FREE) this.#numbers += 1;
    this.#slots[slot] = row;
  }

  delete(id: PointId): void {
    if (typeof id === 'string') {
      this.#strings.delete(id);
      return;
    }
    if (this.#numbers === 0) return;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.#slotOf(id);
    if (slots[hole] === FREE) return;
    this.#numbers -= 1;
    for (let slot = (hole + 1) & mask; slots[slot] !== FREE; slot = (slot + 1) & mask) {
      const row = slots[slot] as number;
      const home = this.#homeOf(this.#ids[row] as number);
      // One that was pushed past the hole moves into it: it would not be found behind it.
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      slots[hole] = row;
      hole = slot;
    }
    slots[hole] = FREE;
  }

  /** The rows, in any order. */
  *values(): Generator<number> {
    for (const row of this.#slots) if (row !== FREE) yield row;
    yield* this.#strings.values();
  }

  /** The slot with the id's row, or the free one where it belongs. */
  #slotOf(id: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = this.#homeOf(id);
    for (;;) {
      const row = slots[slot] as number;
      if (row === FREE || this.#ids[row] === id) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #homeOf(id: number): number {
    return hashOf(id) & (this.#slots.length - 1);
  }

  #grow(): void {
    const old = this.#slots;
    const length = Math.max(SLOTS_MIN, 2 * old.length);
    this.#slots = allocate(length);
    for (const row of old) {
      if (row !== FREE) this.#slots[this.#slotOf(this.#ids[row] as number)] = row;
    }
  }
}

function allocate(length: number): Int32Array<ArrayBuffer> {
  try {
    return new Int32Array(length).fill(FREE);
  } catch (error) {
    throw new SluiceError('SLUICE_NOT_ENOUGH_SPACE', 'no memory left for ids', { cause: error });
  }
}

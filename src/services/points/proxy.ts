import { assert } from '../../errors.js';
import type { Pace } from './pace.js';
import { LIVE, type Segment } from './segment.js';

/**
 * A segment frozen while an optimization reads it. It takes no rows any more, but stamps still
 * reach it directly, so that there is nothing to give back when the run is cancelled. The proxy
 * remembers how many stamps there were: the later ones are the changes to carry to the output.
 */
export class SegmentProxy {
  readonly segment: Segment;
  /** Stamps below this are taken care of. */
  #cursor: number;
  /** The rows to copy, ascending; they become rows `#base`… of the output. */
  #selected: Uint32Array = new Uint32Array(0);
  #base = 0;

  constructor(segment: Segment) {
    assert(!segment.frozen, 'a segment is frozen once');
    this.segment = segment;
    this.#cursor = segment.stamps.length;
    segment.frozen = true;
  }

  get selected(): Uint32Array {
    return this.#selected;
  }

  /** Stamps to carry over. */
  get pending(): number {
    return this.segment.stamps.length - this.#cursor;
  }

  /**
   * Selects the rows that are live when it comes by them; they become the output's rows from
   * `base` on. A row stamped before that is left out, one stamped after it is among the pending.
   */
  async select(base: number, pace: Pace): Promise<void> {
    const { deletedAt, live, rows } = this.segment;
    // Shared memory, so that a thread reads it without a copy.
    const selected = new Uint32Array(new SharedArrayBuffer(live * Uint32Array.BYTES_PER_ELEMENT));
    let count = 0;
    for (let row = 0; row < rows; row += 1) {
      if (deletedAt[row] === LIVE) {
        selected[count] = row;
        count += 1;
      }
      if (pace.isDue()) await pace.rest();
    }
    this.#selected = selected.subarray(0, count);
    this.#base = base;
  }

  /** Carries the next pending stamp over to the output. */
  carryOver(output: Segment): void {
    const row = this.segment.stamps[this.#cursor];
    assert(row !== undefined, 'a stamp is pending');
    this.#cursor += 1;
    const index = indexOfSorted(this.#selected, row);
    if (index >= 0) output.stamp(this.#base + index, this.segment.deletedAt[row] ?? LIVE);
  }

  /** Lets the segment take rows again. */
  unfreeze(): void {
    this.segment.frozen = false;
  }
}

/** Where a number is in an ascending list, or -1. */
function indexOfSorted(list: Uint32Array, wanted: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return list[low] === wanted ? low : -1;
}

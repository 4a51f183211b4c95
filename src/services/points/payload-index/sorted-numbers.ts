import type { Range } from '../../../types.js';
import { lowerTest, upperTest } from '../filter-match.js';

/** Numbers that may wait unsorted in any case. */
const RECENT_MIN = 64;

/** Numbers that may wait unsorted, as a share of the sorted ones. */
const RECENT_SHARE = 1 / 8;

/**
 * Distinct numbers in order. New ones wait in a short unsorted list and are merged in when it has
 * become long for the size of the whole, so that adding is cheap on average and never looks back.
 */
export class SortedNumbers {
  #sorted: Float64Array = new Float64Array(0);
  #recent: number[] = [];

  get size(): number {
    return this.#sorted.length + this.#recent.length;
  }

  /** Adds a number that isn't there yet and isn't NaN. */
  add(value: number): void {
    this.#recent.push(value);
    if (this.#recent.length > RECENT_MIN + this.#sorted.length * RECENT_SHARE) this.#merge();
  }

  /** The numbers in a range, in two parts. */
  within(range: Range): { sorted: Float64Array; recent: readonly number[] } {
    const isAbove = lowerTest(range);
    const isBelow = upperTest(range);
    const from = countWhile(this.#sorted, (value) => !isAbove(value));
    const to = countWhile(this.#sorted, isBelow);
    const recent = this.#recent.filter((value) => isAbove(value) && isBelow(value));
    return { sorted: this.#sorted.subarray(from, Math.max(from, to)), recent };
  }

  #merge(): void {
    const old = this.#sorted;
    const fresh = Float64Array.from(this.#recent).sort();
    const merged = new Float64Array(old.length + fresh.length);
    let oldAt = 0;
    let freshAt = 0;
    for (let at = 0; at < merged.length; at += 1) {
      const nextOld = old[oldAt] ?? Number.POSITIVE_INFINITY;
      const nextFresh = fresh[freshAt] ?? Number.POSITIVE_INFINITY;
      const isOld = nextOld < nextFresh;
      merged[at] = isOld ? nextOld : nextFresh;
      if (isOld) oldAt += 1;
      else freshAt += 1;
    }
    this.#sorted = merged;
    this.#recent = [];
  }
}

/** How many numbers at the beginning pass a test that none after the first failure passes. */
function countWhile(sorted: Float64Array, passes: (value: number) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (passes(sorted[middle] ?? 0)) low = middle + 1;
    else high = middle;
  }
  return low;
}

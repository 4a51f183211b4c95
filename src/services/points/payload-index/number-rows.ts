import type { Range } from '../../../types.js';
import { lowerTest, upperTest } from '../filter-match.js';
import type { RowSource } from './row-source.js';

/** Numbers that wait unsorted at most; each question looks at all of them. */
const RECENT_MAX = 256;

/** Rows sorted by a number; never changed. */
interface Run {
  readonly values: Float64Array;
  readonly rows: Uint32Array;
}

/**
 * Rows by number, for ranges. New ones wait in a short list, which becomes a sorted run when it is
 * full; the last two runs are merged while the last one is as long as the one before. So there are
 * few runs, adding is cheap on average, and no step is longer than one merge.
 */
export class NumberRows {
  readonly #runs: Run[] = [];
  #recentValues: number[] = [];
  #recentRows: number[] = [];

  /** Adds a row; the value isn't NaN. */
  add(value: number, row: number): void {
    this.#recentValues.push(value);
    this.#recentRows.push(row);
    if (this.#recentRows.length === RECENT_MAX) this.#settle();
  }

  /** The rows whose number is in the range; one with several such numbers counts several times. */
  within(range: Range): RowSource {
    const isAbove = lowerTest(range);
    const isBelow = upperTest(range);
    const found: (readonly number[] | Uint32Array)[] = [];
    for (const { values, rows } of this.#runs) {
      const from = countWhile(values, (value) => !isAbove(value));
      const to = countWhile(values, isBelow);
      if (from < to) found.push(rows.subarray(from, to));
    }
    const values = this.#recentValues;
    found.push(this.#recentRows.filter((_, at) => isWithin(values[at], isAbove, isBelow)));
    const size = found.reduce((sum, rows) => sum + rows.length, 0);
    return {
      size,
      addTo: (bits) => {
        for (const rows of found) bits.addAll(rows);
      },
      ascending: () => joinedIfAscending(found, size),
    };
  }

  #settle(): void {
    let run = sortedRun(this.#recentValues, this.#recentRows);
    this.#recentValues = [];
    this.#recentRows = [];
    for (let last = this.#runs.at(-1); last && last.rows.length <= run.rows.length; ) {
      run = mergedRun(last, run);
      this.#runs.pop();
      last = this.#runs.at(-1);
    }
    this.#runs.push(run);
  }
}

function isWithin(
  value: number | undefined,
  isAbove: (value: number) => boolean,
  isBelow: (value: number) => boolean,
): boolean {
  return value !== undefined && isAbove(value) && isBelow(value);
}

/** Runs follow each other in the order of their rows, and so do the rows of one number in a run. */
function joinedIfAscending(
  lists: readonly (readonly number[] | Uint32Array)[],
  size: number,
): Uint32Array | undefined {
  const joined = new Uint32Array(size);
  let count = 0;
  let last = -1;
  for (const rows of lists) {
    for (let at = 0; at < rows.length; at += 1) {
      const row = rows[at] as number;
      if (row <= last) return undefined;
      joined[count] = row;
      count += 1;
      last = row;
    }
  }
  return joined;
}

/** Sorts the values alone, which is native, and then sees where each row belongs. */
function sortedRun(unsorted: readonly number[], unsortedRows: readonly number[]): Run {
  const values = Float64Array.from(unsorted).sort();
  const rows = new Uint32Array(values.length);
  /** By the place of a value's first occurrence: how many of its rows have been put. */
  const put = new Uint32Array(values.length);
  for (const [at, value] of unsorted.entries()) {
    const first = countWhile(values, (other) => other < value);
    const count = put[first] ?? 0;
    rows[first + count] = unsortedRows[at] ?? 0;
    put[first] = count + 1;
  }
  return { values, rows };
}

function mergedRun(first: Run, second: Run): Run {
  const length = first.rows.length + second.rows.length;
  const values = new Float64Array(length);
  const rows = new Uint32Array(length);
  let firstAt = 0;
  let secondAt = 0;
  for (let at = 0; at < length; at += 1) {
    const firstValue = first.values[firstAt] ?? Number.POSITIVE_INFINITY;
    const secondValue = second.values[secondAt] ?? Number.POSITIVE_INFINITY;
    if (firstValue <= secondValue) {
      values[at] = firstValue;
      rows[at] = first.rows[firstAt] ?? 0;
      firstAt += 1;
    } else {
      values[at] = secondValue;
      rows[at] = second.rows[secondAt] ?? 0;
      secondAt += 1;
    }
  }
  return { values, rows };
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

import { SluiceError } from '../errors.js';

/** Op numbers of declined operations, as ranges: neighbours cost nothing. Numbers only grow. */
export class DeclinedRanges {
  /** First, last, first, last, …, in order. */
  #bounds: number[] = [];
  /** Where the first range that counts begins in `#bounds`. */
  #head = 0;

  add(opNum: number): void {
    const last = this.#bounds.length - 1;
    if (last > this.#head && this.#bounds[last] === opNum - 1) this.#bounds[last] = opNum;
    else this.#bounds.push(opNum, opNum);
  }

  has(opNum: number): boolean {
    let low = this.#head / 2;
    let high = this.#bounds.length / 2;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#bounds[2 * middle + 1] ?? 0) < opNum) low = middle + 1;
      else high = middle;
    }
    return opNum >= (this.#bounds[2 * low] ?? Number.POSITIVE_INFINITY);
  }

  /** Drops the ranges at or below `upTo`; one that goes beyond it stays whole. */
  forget(upTo: number): void {
    while ((this.#bounds[this.#head + 1] ?? Number.POSITIVE_INFINITY) <= upTo) this.#head += 2;
    if (this.#head * 2 < this.#bounds.length) return;
    this.#bounds = this.#bounds.slice(this.#head);
    this.#head = 0;
  }

  toJSON(): number[] {
    return this.#bounds.slice(this.#head);
  }

  /** Errors: `SLUICE_DAMAGED` when the data isn't what `toJSON` gives. */
  static fromJSON(data: readonly number[]): DeclinedRanges {
    const isSound =
      Array.isArray(data) &&
      data.length % 2 === 0 &&
      data.every((bound, at) => {
        const least = at % 2 === 0 ? (data[at - 1] ?? 0) + 1 : (data[at - 1] ?? 0);
        return Number.isSafeInteger(bound) && bound >= least;
      });
    if (!isSound) throw new SluiceError('SLUICE_DAMAGED', 'the list of declined operations is bad');
    const ranges = new DeclinedRanges();
    ranges.#bounds = [...data];
    return ranges;
  }
}

/**
 * A seeded source of randomness (mulberry32): the same seed gives the same run on every machine,
 * so that a failure can be repeated from the seed it prints.
 */
export class Random {
  readonly #seed: number;
  #state: number;

  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#state = this.#seed;
  }

  /** A number from 0 (inclusive) to 1 (exclusive). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  /** An integer from `from` to `to`, both inclusive. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One element of a list that isn't empty. */
  pick<T>(list: readonly T[]): T {
    const element = list[this.between(0, list.length - 1)];
    if (element === undefined) throw new TypeError('pick needs a list that has elements');
    return element;
  }

  /**
   * A source of its own, which depends on nothing but the seed and the name: what one part of a run
   * draws doesn't change what another one gets.
   */
  stream(name: string): Random {
    let seed = this.#seed ^ 0x9e3779b9;
    for (let at = 0; at < name.length; at++) {
      seed = Math.imul(seed ^ name.charCodeAt(at), 0x01000193);
      seed ^= seed >>> 15;
    }
    return new Random(seed);
  }
}

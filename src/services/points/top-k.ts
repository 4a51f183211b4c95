import type { Distance, PointId } from '../../types.js';
import { higherIsBetter } from './distance.js';
import { compareIds } from './ids.js';

/** One kept hit. */
export interface TopKEntry<T> {
  readonly id: PointId;
  readonly score: number;
  readonly item: T;
}

/**
 * Keeps the k best hits of many. Equal scores are ordered by id, so that the result doesn't depend
 * on the order of the offers. A binary heap with the worst kept hit at its root.
 */
export class TopK<T> {
  readonly #k: number;
  /** 1 when higher scores are better, else -1: `sign * score` is always better when higher. */
  readonly #sign: 1 | -1;
  readonly #heap: TopKEntry<T>[] = [];
  /** What a hit's `sign * score` must at least be; -Infinity until k hits are kept. */
  #bound: number;

  /** `k` is a whole number, 0 or more. */
  constructor(k: number, distance: Distance) {
    this.#k = k;
    this.#sign = higherIsBetter(distance) ? 1 : -1;
    this.#bound = k > 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }

  /** Hits kept now. */
  get size(): number {
    return this.#heap.length;
  }

  /**
   * What a hit must at least score to be kept, where a better score is a higher one: for `euclid`
   * that is the distance's negative. -Infinity until k hits are kept.
   */
  get bound(): number {
    return this.#bound;
  }

  /** False when no hit with this score can be kept: the quick way past most rows. */
  wants(score: number): boolean {
    return this.#sign * score >= this.#bound;
  }

  /** Keeps the hit if it is one of the k best so far. */
  offer(id: PointId, score: number, item: T): void {
    if (this.#k === 0 || !this.wants(score)) return;
    const heap = this.#heap;
    const entry = { id, score, item };
    if (heap.length < this.#k) {
      this.#up(entry);
    } else {
      const root = heap[0];
      if (root !== undefined && this.#compare(entry, root) >= 0) return;
      this.#down(entry, heap.length);
    }
    const root = heap[0];
    if (heap.length === this.#k && root !== undefined) this.#bound = this.#sign * root.score;
  }

  /** The kept hits, the best first. */
  sorted(): TopKEntry<T>[] {
    return [...this.#heap].sort((a, b) => this.#compare(a, b));
  }

  /** Negative when `a` is better than `b`. */
  #compare(a: TopKEntry<T>, b: TopKEntry<T>): number {
    if (a.score !== b.score) return this.#sign * (b.score - a.score);
    return compareIds(a.id, b.id);
  }

  #up(entry: TopKEntry<T>): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || this.#compare(parent, entry) >= 0) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = entry;
  }

  /** Puts `entry` in the place of the root. */
  #down(entry: TopKEntry<T>, length: number): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      let child = heap[childAt];
      if (childAt >= length || child === undefined) break;
      const right = heap[childAt + 1];
      if (right !== undefined && this.#compare(right, child) > 0) {
        child = right;
        childAt++;
      }
      if (this.#compare(child, entry) <= 0) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = entry;
  }
}

import { assert } from '../../errors.js';
import type { KeySpan } from './database.js';
import { BLOCK_KEYS, blockKey } from './keys.js';

/** Blocks in use that one compaction goes over at most: it can't be stopped half-way. */
const COMPACTION_BLOCKS = 64;

/** Where a block is stored. */
export interface BlockRef {
  key: string;
  /** Bytes of the payload. */
  bytes: number;
}

/**
 * Which blocks are in use between one open of a store and the next: the bookkeeping of
 * `SegmentStore`, without I/O. A new open makes a new one, so that a job of an earlier open can't
 * write under keys that this one doesn't know of.
 */
export class BlockSession {
  readonly #epoch: string;
  #counter = 0;
  /** Blocks that the stored manifest names. */
  #named: ReadonlySet<string>;
  /** Blocks written since the open which no manifest has named. */
  readonly #fresh = new Set<string>();
  /** Blocks that the next commit deletes, unless they are pinned then. */
  readonly #garbage = new Set<string>();
  readonly #pins = new Map<string, number>();
  #unreferenced: readonly string[];
  /** Where blocks have been deleted since `takeDeleted`; at first perhaps anywhere, by earlier opens. */
  #deleted: KeySpan | undefined = BLOCK_KEYS;
  /** How many bytes those were; at first earlier opens may have left any number. */
  #deletedBytes = Number.POSITIVE_INFINITY;
  /** Sizes of the blocks that are stored, as far as they were written or read since the open. */
  readonly #sizes = new Map<string, number>();

  /** `unreferenced`: stored blocks that the manifest doesn't name; an earlier open left them. */
  constructor(epoch: string, named: Iterable<string>, unreferenced: readonly string[]) {
    this.#epoch = epoch;
    this.#named = new Set(named);
    this.#unreferenced = unreferenced;
  }

  /** A key that was never used and never will be again. */
  nextKey(): string {
    this.#counter += 1;
    return blockKey(this.#epoch, this.#counter);
  }

  isNamed(key: string): boolean {
    return this.#named.has(key);
  }

  /** Hands over the blocks that an earlier open left; once. */
  takeUnreferenced(): readonly string[] {
    const keys = this.#unreferenced;
    this.#unreferenced = [];
    return keys;
  }

  wrote(refs: Iterable<BlockRef>): void {
    for (const ref of refs) {
      this.#fresh.add(ref.key);
      this.#sizes.set(ref.key, ref.bytes);
    }
  }

  read({ key, bytes }: BlockRef): void {
    // One that was deleted meanwhile isn't stored any more.
    if (this.#named.has(key)) this.#sizes.set(key, bytes);
  }

  /**
   * How much of these bytes on disk belongs to blocks that were deleted and that no compaction has
   * gone over since: what isn't stored now, but no more than was deleted since `takeDeleted`.
   */
  garbageIn(bytesOnDisk: number): number {
    const stored = [...this.#sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
    return Math.min(Math.max(bytesOnDisk - stored, 0), this.#deletedBytes);
  }

  deleted(keys: Iterable<string>): void {
    for (const key of keys) {
      this.#fresh.delete(key);
      this.#garbage.delete(key);
      this.#deletedBytes += this.#sizes.get(key) ?? 0;
      this.#sizes.delete(key);
      const { from, to } = this.#deleted ?? { from: key, to: key };
      this.#deleted = { from: key < from ? key : from, to: key > to ? key : to };
    }
  }

  /** Adjoining spans of keys in which blocks have been deleted since the last call; none if none have. */
  takeDeleted(): KeySpan[] {
    this.#deletedBytes = 0;
    if (this.#deleted === undefined) return [];
    const { from, to } = this.#deleted;
    this.#deleted = undefined;
    const within = [...this.#named].filter((key) => key > from && key < to).sort();
    const bounds = within.filter((_, at) => at % COMPACTION_BLOCKS === COMPACTION_BLOCKS - 1);
    const ends = [from, ...bounds, to];
    return ends.slice(1).map((end, at) => ({ from: ends[at] ?? from, to: end }));
  }

  /** Marks blocks of this open for deletion by the next commit. */
  discard(keys: Iterable<string>): void {
    for (const key of keys) {
      if (this.#fresh.delete(key)) this.#garbage.add(key);
    }
  }

  /** Keeps blocks from being deleted until the function that it returns is called. */
  pin(keys: Iterable<string>): () => void {
    const pinned = [...new Set(keys)];
    for (const key of pinned) this.#pins.set(key, (this.#pins.get(key) ?? 0) + 1);
    return () => {
      for (const key of pinned.splice(0)) {
        const count = (this.#pins.get(key) ?? 0) - 1;
        if (count > 0) this.#pins.set(key, count);
        else this.#pins.delete(key);
      }
    };
  }

  /** Those of the blocks that are given up and that nobody reads. */
  deletable(keys: Iterable<string>): string[] {
    return [...keys].filter((key) => this.#garbage.has(key) && !this.#pins.has(key));
  }

  /** Blocks to delete in a commit that names `live`. */
  droppedBy(live: ReadonlySet<string>): string[] {
    for (const key of live) {
      const known = this.#named.has(key) || this.#fresh.has(key);
      assert(known, `block ${key} exists when a manifest names it`);
    }
    const unwanted = [...this.#named, ...this.#garbage];
    return unwanted.filter((key) => !live.has(key) && !this.#pins.has(key));
  }

  /** Takes over the picture of a commit that has succeeded. */
  committed(live: ReadonlySet<string>, dropped: readonly string[]): void {
    // What is pinned is no longer named, but still there: a later commit deletes it.
    for (const key of this.#named) if (!live.has(key)) this.#garbage.add(key);
    this.deleted(dropped);
    for (const key of live) this.#fresh.delete(key);
    this.#named = live;
  }
}

import type { SegmentHolder, Wal } from './ports.js';

/** With less than this, compacting is not worth it. */
const GARBAGE_MIN = 16 * 1024 * 1024;

/**
 * Tells when what was deleted takes so much of the disk that giving it back pays: as much as there
 * is live data, so that each byte of garbage costs the rewriting of one live byte at most.
 */
export class Garbage {
  readonly #wal: Wal;
  readonly #segments: SegmentHolder<never>;
  readonly #walLive: () => number;
  /** What of the log was there right after the last compaction: more can't be had. */
  #residue = 0;

  /** `walLive`: bytes of the records that the log has not forgotten. */
  constructor(options: { wal: Wal; segments: SegmentHolder<never>; walLive: () => number }) {
    this.#wal = options.wal;
    this.#segments = options.segments;
    this.#walLive = options.walLive;
  }

  /** Whether it pays now. Errors: those of `bytesOnDisk` and `garbageBytes`. */
  async isWorthwhile(): Promise<boolean> {
    const forgotten = (await this.#forgotten()) - this.#residue;
    const dropped = (await this.#segments.garbageBytes?.()) ?? 0;
    const { stored = 0 } = this.#segments.diskUse?.() ?? {};
    return forgotten + dropped > Math.max(GARBAGE_MIN, stored + this.#walLive());
  }

  /** To be called when it has been given back. Errors: those of `bytesOnDisk`. */
  async reclaimed(): Promise<void> {
    this.#residue = await this.#forgotten();
  }

  /** Bytes that the log takes beside its records. */
  async #forgotten(): Promise<number> {
    const bytesOnDisk = (await this.#wal.bytesOnDisk?.()) ?? 0;
    return Math.max(bytesOnDisk - this.#walLive(), 0);
  }
}

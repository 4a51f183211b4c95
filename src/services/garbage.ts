import type { SegmentHolder, Wal } from './ports.js';

/** With less than this, compacting is not worth it: while there is work, and at rest. */
const GARBAGE_MIN = { busy: 16 * 1024 * 1024, resting: 4 * 1024 * 1024 };

/** At rest nobody waits for the disk: garbage that is this share of the live data is given back. */
const RESTING_SHARE = 8;

/**
 * Tells when what was deleted takes so much of the disk that giving it back pays: while there is
 * work, as much as there is live data, so that each byte of garbage costs the rewriting of one live
 * byte at most.
 */
export class Garbage {
  readonly #wal: Wal;
  readonly #segments: SegmentHolder<never>;
  readonly #walLive: () => number;
  readonly #isResting: () => boolean;
  /** What of the log was there right after the last compaction: more can't be had. */
  #residue = 0;

  /**
   * `walLive`: bytes of the records that the log has not forgotten; `isResting`: whether all that was
   * submitted and planned is done.
   */
  constructor(options: {
    wal: Wal;
    segments: SegmentHolder<never>;
    walLive: () => number;
    isResting: () => boolean;
  }) {
    this.#wal = options.wal;
    this.#segments = options.segments;
    this.#walLive = options.walLive;
    this.#isResting = options.isResting;
  }

  /** Whether it pays now. Errors: those of `bytesOnDisk` and `garbageBytes`. */
  async isWorthwhile(): Promise<boolean> {
    const forgotten = (await this.#forgotten()) - this.#residue;
    const dropped = (await this.#segments.garbageBytes?.()) ?? 0;
    const { stored = 0 } = this.#segments.diskUse?.() ?? {};
    const live = stored + this.#walLive();
    const least = this.#isResting()
      ? Math.max(GARBAGE_MIN.resting, live / RESTING_SHARE)
      : Math.max(GARBAGE_MIN.busy, live);
    return forgotten + dropped > least;
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

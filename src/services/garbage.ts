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
  /** What there was right after the last compaction: more can't be had. */
  #residue = 0;

  /** `walLive`: bytes of the records that the log has not forgotten. */
  constructor(options: { wal: Wal; segments: SegmentHolder<never>; walLive: () => number }) {
    this.#wal = options.wal;
    this.#segments = options.segments;
    this.#walLive = options.walLive;
  }

  /** Whether it pays now. Errors: those of `bytesOnDisk`. */
  async isWorthwhile(): Promise<boolean> {
    const { garbage, live } = await this.#measure();
    return garbage - this.#residue > Math.max(GARBAGE_MIN, live);
  }

  /** To be called when it has been given back. Errors: those of `bytesOnDisk`. */
  async reclaimed(): Promise<void> {
    this.#residue = (await this.#measure()).garbage;
  }

  async #measure(): Promise<{ garbage: number; live: number }> {
    const { stored = 0 } = this.#segments.diskUse?.() ?? {};
    const live = { wal: this.#walLive(), segments: stored };
    const [wal = live.wal, segments = live.segments] = [
      await this.#wal.bytesOnDisk?.(),
      await this.#segments.bytesOnDisk?.(),
    ];
    return {
      garbage: Math.max(wal - live.wal, 0) + Math.max(segments - live.segments, 0),
      live: live.wal + live.segments,
    };
  }
}

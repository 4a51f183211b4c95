import { SluiceError } from '../errors.js';
import type { Clock } from './clock.js';
import { DiskWatch, diskReserve } from './disk-watch.js';
import type { ErrorLog } from './error-log.js';
import type { FlushRounds } from './flush-rounds.js';
import { Garbage } from './garbage.js';
import type { SegmentHolder, Wal } from './ports.js';
import type { WalTail } from './wal-tail.js';

/** With so much free, space is given back however much data there is. */
const RECLAIM_FREE_MIN = 256 * 1024 * 1024;

/** What capacity asks of its owner. */
export interface CapacityHooks {
  /** A flush may free space. */
  askForFlush(): void;
  /** Updates are refused from now on; the bytes free at the last look, if somebody can tell. */
  onShort(error: SluiceError, freeBytes: number | undefined): void;
  /** Updates are accepted again. */
  onRoom(freeBytes: number): void;
  /** Nobody can tell how much of the disk is free. */
  onUnknown(error: unknown): void;
  /** Space has been given back, or there was too little to. */
  onReclaimed(): void;
  /** Space could not be given back. */
  onReclaimFailed(error: unknown): void;
}

/** Keeps enough of the disk free for what has been accepted, and gets space back when it is short. */
export class Capacity {
  readonly #wal: Wal;
  readonly #segments: SegmentHolder<never>;
  readonly #flush: FlushRounds;
  readonly #hooks: CapacityHooks;
  readonly #watch: DiskWatch;
  readonly #garbage: Garbage;
  /** Commits at the last time that space was given back. */
  #reclaimedCommits = 0;
  /** Commits at the last look that one of them led to. */
  #lookedCommits = 0;
  #reclaiming: Promise<void> | undefined;
  /** Ends a compaction under way. */
  #leave = new AbortController();
  /** Bytes free at the last look; unknown as long as nobody can tell. */
  #free: number | undefined;
  /** Less than twice the reserve was free at the last look. */
  #isShort = false;

  constructor(options: {
    wal: Wal;
    segments: SegmentHolder<never>;
    tail: WalTail;
    flush: FlushRounds;
    errors: ErrorLog;
    clock: Clock;
    freeBytes: (() => Promise<number>) | undefined;
    marginBytes: number;
    /** Whether all that was submitted and planned is done. */
    isResting: () => boolean;
    hooks: CapacityHooks;
  }) {
    const { wal, segments, tail, errors, hooks, marginBytes, isResting } = options;
    this.#wal = wal;
    this.#segments = segments;
    this.#flush = options.flush;
    this.#hooks = hooks;
    this.#garbage = new Garbage({
      ...{ wal, segments, isResting },
      walLive: () => tail.usage.walBytes,
    });
    this.#watch = new DiskWatch({
      freeBytes: options.freeBytes,
      clock: options.clock,
      reserve: (free) => {
        const use = segments.diskUse?.() ?? { stored: 0, largest: 0 };
        const queued = tail.usage.bytes + tail.usage.waitingBytes;
        const dirty = segments.dirtyBytes();
        return diskReserve({ free, margin: marginBytes, queued, dirty, ...use });
      },
      hooks: {
        onRefused: (error, isFirst) => {
          errors.report('capacity', error);
          if (isFirst) hooks.onShort(error, this.#free);
        },
        onRecovered: (free) => {
          errors.recovered('capacity');
          if (free !== undefined) hooks.onRoom(free);
        },
        onLook: (free, reserve) => this.#looked(free, reserve),
        onUnknown: (error) => hooks.onUnknown(error),
      },
    });
  }

  /** The store has been opened. */
  open(): Promise<void> {
    this.#leave = new AbortController();
    this.#free = undefined;
    this.#reclaimedCommits = this.#flush.counts.commits;
    return this.#watch.open();
  }

  /** Nothing is looked at or refused from now on. */
  stop(): void {
    this.#leave.abort(new SluiceError('SLUICE_CANCELLED', 'the store is closing'));
    this.#watch.close();
  }

  /** As `stop`; resolves when the last attempt to give space back has ended. */
  async close(): Promise<void> {
    this.stop();
    await this.#reclaiming;
  }

  /** Accepts an update, or throws `SLUICE_NOT_ENOUGH_SPACE`; see `DiskWatch`. */
  admit(bytes: number, frees: boolean): void {
    this.#watch.admit(bytes, frees);
  }

  /** Updates were applied, and may have taken more than their own size. */
  noticed(): void {
    this.#watch.noticed();
  }

  /** Segments were rewritten: their sources lie on disk until a commit drops them. */
  optimized(): void {
    if (this.#isShort) this.#hooks.askForFlush();
  }

  /**
   * A round has ended: what its commit dropped is given back at once when space is short, and
   * otherwise when much has come together. A round without a commit changes nothing, and as a look
   * may ask for a round, it must not lead to a look.
   */
  flushed(): void {
    const { commits } = this.#flush.counts;
    if (commits === this.#lookedCommits) return;
    this.#lookedCommits = commits;
    if (this.#isShort) void this.#watch.look();
    else this.#startReclaim(() => this.#garbage.isWorthwhile());
  }

  /** Gives back what is worth it now; resolves when that has ended, well or not. */
  async reclaim(): Promise<void> {
    await this.#reclaiming;
    this.#startReclaim(() => this.#garbage.isWorthwhile());
    await this.#reclaiming;
  }

  /** Gives back what commits have dropped, and has what isn't written committed when updates wait for it. */
  #looked(free: number, reserve: number): void {
    this.#free = free;
    this.#isShort = free < 2 * reserve;
    if (!this.#isShort) return;
    if (this.#watch.isRefusing) this.#hooks.askForFlush();
    if (this.#flush.counts.commits !== this.#reclaimedCommits) this.#startReclaim();
  }

  #startReclaim(isWorthwhile = async () => true): void {
    const { signal } = this.#leave;
    if (this.#reclaiming !== undefined || signal.aborted) return;
    // It takes space itself, in the worst case as much as there is data.
    const { stored } = this.#segments.diskUse?.() ?? { stored: 0 };
    if (this.#free !== undefined && this.#free < Math.min(stored, RECLAIM_FREE_MIN)) return;
    this.#reclaiming = this.#reclaim(isWorthwhile, signal).finally(() => {
      this.#reclaiming = undefined;
    });
  }

  async #reclaim(isWorthwhile: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
    try {
      const isDue = await isWorthwhile();
      if (isDue) await this.#giveBack(signal);
      this.#hooks.onReclaimed();
      if (!isDue) return;
    } catch (error) {
      if (!signal.aborted) this.#hooks.onReclaimFailed(error);
    }
    await this.#watch.look();
  }

  async #giveBack(signal: AbortSignal): Promise<void> {
    this.#reclaimedCommits = this.#flush.counts.commits;
    await this.#segments.reclaim?.(signal);
    await this.#wal.reclaim?.(signal);
    await this.#garbage.reclaimed();
  }
}

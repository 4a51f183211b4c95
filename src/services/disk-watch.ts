import { SluiceError } from '../errors.js';
import type { Clock, TimerHandle } from './clock.js';

/** How old what is known of the disk may be while updates come, and between looks when short. */
const LOOK_INTERVAL_MS = 2000;

/** Refused updates ask for a look, but no more often than this. */
const LOOK_PAUSE_MS = 50;

/** A look is due when updates may have taken this share of what there was. */
const SPENT_SHARE = 8;

/** Space counts as being back when there is more than is needed, by this share of the reserve. */
const HYSTERESIS_SHARE = 8;

/**
 * What a byte of an operation may take: it goes into the log and into a segment, and each of the
 * two databases writes it twice, to its own log and then to a table.
 */
const BYTES_PER_BYTE = 4;

/** LevelDB may write all data again at once while there is little, and about so much when there is more. */
export const COMPACTED_MAX = 64 * 1024 * 1024;

/** What the reserve is made from; bytes. */
export interface DiskNeeds {
  /** Free now. */
  free: number;
  /** Left alone in any case: what the databases write besides. */
  margin: number;
  /** Submitted and not applied. */
  queued: number;
  /** Applied and not in a commit. */
  dirty: number;
  /** Live data on disk. */
  stored: number;
  /** What a rewriting of the largest segment writes. */
  largest: number;
  /** What rewritings and the like that have begun write. @default 0 */
  underway?: number;
}

/**
 * What must stay free so that everything accepted can be applied and flushed, the databases can
 * compact what they hold, and space be freed: the largest segment can be rewritten, which takes
 * twice its size, unless that is more than a quarter of what the disk could hold of the store. What
 * has begun has looked for room of its own, and must find it.
 */
export function diskReserve(needs: DiskNeeds): number {
  const { free, margin, queued, dirty, stored, largest, underway = 0 } = needs;
  const rewrite = Math.max(Math.min(2 * largest, (free + stored) / 4), underway);
  const compacted = Math.min(stored, COMPACTED_MAX);
  return margin + BYTES_PER_BYTE * queued + 2 * dirty + compacted + rewrite;
}

/** What a watch tells its owner. */
export interface DiskWatchHooks {
  /** An update is refused; `isFirst`: the one before was accepted. */
  onRefused(error: SluiceError, isFirst: boolean): void;
  /** Updates are no longer refused: so much is free, or nobody looks any more. */
  onRecovered(free: number | undefined): void;
  /** A look has ended: how much is free, and how much of it must stay so. */
  onLook(free: number, reserve: number): void;
  /** Nobody can tell how much is free: nothing is refused until somebody can. Told once. */
  onUnknown(error: unknown): void;
}

/**
 * Refuses updates while there is still room for what has been accepted. An update never waits for
 * it: it is judged by the last look at the disk and what was accepted since; looks run beside.
 *
 * @see Qdrant `lib/collection/src/shards/local_shard/disk_usage_watcher.rs`
 */
export class DiskWatch {
  readonly #freeBytes: (() => Promise<number>) | undefined;
  readonly #reserve: (free: number) => number;
  readonly #clock: Clock;
  readonly #hooks: DiskWatchHooks;
  #isOpen = false;
  /** What updates may still take, as of the last look; infinite while nobody knows. */
  #headroom = Number.POSITIVE_INFINITY;
  /** What those accepted since the last look may take. */
  #spent = 0;
  #lookedAt = 0;
  #looking: Promise<void> | undefined;
  #isRefusing = false;
  #isUnknown = false;
  #timer: TimerHandle | undefined;

  constructor(options: {
    /** Undefined where nobody can tell: nothing is ever refused. */
    freeBytes: (() => Promise<number>) | undefined;
    /** What must stay free, when so much is. */
    reserve(free: number): number;
    clock: Clock;
    hooks: DiskWatchHooks;
  }) {
    this.#freeBytes = options.freeBytes;
    this.#reserve = options.reserve;
    this.#clock = options.clock;
    this.#hooks = options.hooks;
  }

  /** True while updates are refused. */
  get isRefusing(): boolean {
    return this.#isRefusing;
  }

  /** Begins with a look. */
  async open(): Promise<void> {
    await this.#looking;
    this.#isOpen = this.#freeBytes !== undefined;
    await this.look();
  }

  /** No look is made from now on, and nothing is refused. */
  close(): void {
    this.#isOpen = false;
    this.#headroom = Number.POSITIVE_INFINITY;
    this.#spent = 0;
    this.#recovered();
  }

  /**
   * Accepts an update of so many bytes, or throws `SLUICE_NOT_ENOUGH_SPACE`. One that frees space
   * is always accepted.
   */
  admit(bytes: number, frees: boolean): void {
    if (!this.#isOpen) return;
    const cost = BYTES_PER_BYTE * bytes;
    if (!frees && this.#headroom - this.#spent < cost) this.#refuse();
    this.#spent += cost;
    this.noticed();
  }

  /** Something was written: looks if that is due. */
  noticed(): void {
    if (!this.#isOpen || this.#looking !== undefined) return;
    const isMuch = this.#spent * SPENT_SHARE > this.#headroom;
    if ((isMuch && this.#isOlderThan(LOOK_PAUSE_MS)) || this.#isOlderThan(LOOK_INTERVAL_MS)) {
      void this.look();
    }
  }

  /** Asks how much is free. Never rejects; several at once share one. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    if (!this.#isOpen || this.#freeBytes === undefined) return;
    const spentBefore = this.#spent;
    this.#lookedAt = this.#clock.now();
    try {
      const free = await this.#freeBytes();
      if (!this.#isOpen) return;
      const reserve = this.#reserve(free);
      this.#headroom = free - reserve - (this.#isRefusing ? reserve / HYSTERESIS_SHARE : 0);
      // What was accepted meanwhile may or may not have been written when the disk was asked.
      this.#spent = Math.max(this.#spent - spentBefore, 0);
      this.#isUnknown = false;
      if (this.#headroom > this.#spent) this.#recovered(free);
      this.#hooks.onLook(free, reserve);
    } catch (error) {
      this.#headroom = Number.POSITIVE_INFINITY;
      this.#recovered();
      if (!this.#isUnknown) this.#hooks.onUnknown(error);
      this.#isUnknown = true;
    }
  }

  #refuse(): never {
    const isFirst = !this.#isRefusing;
    this.#isRefusing = true;
    if (this.#timer === undefined) this.#lookLater();
    if (this.#isOlderThan(LOOK_PAUSE_MS)) void this.look();
    const error = new SluiceError(
      'SLUICE_NOT_ENOUGH_SPACE',
      'the disk is nearly full: what is left is needed for what was accepted and to free space',
      { kind: 'declined' },
    );
    this.#hooks.onRefused(error, isFirst);
    throw error;
  }

  #lookLater(): void {
    this.#timer = this.#clock.setTimeout(async () => {
      await this.look();
      if (this.#isRefusing) this.#lookLater();
    }, LOOK_INTERVAL_MS);
  }

  #recovered(free?: number): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#isRefusing) return;
    this.#isRefusing = false;
    this.#hooks.onRecovered(free);
  }

  #isOlderThan(ms: number): boolean {
    const age = this.#clock.now() - this.#lookedAt;
    // A negative age: the clock was set back.
    return age >= ms || age < 0;
  }
}
